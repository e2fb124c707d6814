"""gRPC servicer of contracts: messages in, use case, messages out."""

from __future__ import annotations

from facet_contracts.facet.sales.v1 import contract_service_pb as rpc
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_sales.contracts import service
from facet_sales.contracts.model import Contract, contract_map


class ContractApi:
    """Contracts. `reporting` is the reporting currency."""

    service = "facet.sales.v1.ContractService"

    def __init__(self, reporting: str) -> None:
        self._reporting = reporting

    async def create_contract(self, request: rpc.CreateContractRequest, ctx: Ctx) -> pb.Contract:
        return contract_map.to_message(await service.create_contract(ctx, request, self._reporting))

    async def get_contract(self, request: rpc.GetContractRequest, ctx: Ctx) -> pb.Contract:
        return contract_map.to_message(await ctx.get(Contract, request.contract_id))

    async def list_contracts(self, request: rpc.ListContractsRequest, ctx: Ctx) -> rpc.ListContractsResponse:
        rows, token = await service.CONTRACTS.page(ctx, request)
        return rpc.ListContractsResponse(contracts=contract_map.to_messages(rows), next_page_token=token)

    async def update_contract(self, request: rpc.UpdateContractRequest, ctx: Ctx) -> pb.Contract:
        return contract_map.to_message(await service.update_contract(ctx, request))

    async def activate_contract(self, request: rpc.ActivateContractRequest, ctx: Ctx) -> pb.Contract:
        return contract_map.to_message(await service.activate_contract(ctx, request))

    async def terminate_contract(self, request: rpc.TerminateContractRequest, ctx: Ctx) -> pb.Contract:
        return contract_map.to_message(await service.terminate_contract(ctx, request))

    async def expire_contract(self, request: rpc.ExpireContractRequest, ctx: Ctx) -> pb.Contract:
        return contract_map.to_message(await service.expire_contract(ctx, request))
