"""Use cases of API keys."""

from __future__ import annotations

from facet_contracts.facet.gateway.v1 import resources_pb as pb
from facet_gateway.keys.model import ApiKey, key_map
from facet_gateway.keys.policy import hash_of, new_secret, prefix_of, uncovered
from facet_kit.context import Ctx
from facet_kit.errors import Forbidden, Invalid
from facet_kit.principal import PrincipalKind


async def create_key(ctx: Ctx, wanted: pb.ApiKey) -> tuple[ApiKey, str]:
    """Makes a key for the caller; returns it with its secret, which nobody can see again.

    Raises:
        Forbidden: the caller is no person of the staff, or a scope goes beyond his permissions.
        Invalid: the key would have ended before it began.
    """
    caller = ctx.principal
    if caller.kind is not PrincipalKind.STAFF:
        raise Forbidden(
            "PERSON_REQUIRED", "Only a person of the staff, signed in himself, can make an API key."
        )
    beyond = uncovered(wanted.scopes, caller.roles, caller.scopes)
    if beyond:
        raise Forbidden(
            "SCOPE_BEYOND_PERMISSIONS",
            f"You do not hold {', '.join(beyond)} yourself. A key carries at most its maker's permissions.",
            metadata={"scopes": ",".join(beyond)},
        )
    values = key_map.values(wanted, prefix="api_key.")
    expires = values.get("expire_time")
    if expires is not None and expires <= ctx.clock.now():
        raise Invalid("EXPIRED", "expire_time must lie in the future.", field="api_key.expire_time")
    secret = new_secret()
    key = ApiKey(
        **(values | {"scopes": sorted(set(wanted.scopes))}),
        person_id=caller.person_id,
        subject=caller.id,
        secret_prefix=prefix_of(secret),
        secret_hash=hash_of(secret),
    )
    ctx.add(key)
    key.announce_creation()
    await ctx.flush()
    return key, secret


async def revoke_key(ctx: Ctx, key_id: str, etag: str) -> ApiKey:
    """Ends a key.

    Raises:
        NotFound: no such key of the caller's.
        Conflict: it was revoked before.
    """
    key = await ctx.get(ApiKey, key_id, etag=etag or None, for_update=True)
    key.revoke(ctx.clock.now())
    await ctx.flush()
    return key
