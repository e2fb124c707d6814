"""What every service serves out of the kit: its dead letters, audit trail, custom fields and operations."""

from facet_kit.database.session import Database
from facet_kit.messaging.processing import Processing
from facet_kit.platform.audit import AuditApi
from facet_kit.platform.custom_fields import CustomFieldsApi
from facet_kit.platform.dead_letters import DeadLettersApi
from facet_kit.platform.operations import OperationsApi

PlatformApi = DeadLettersApi | AuditApi | CustomFieldsApi | OperationsApi

__all__ = ["AuditApi", "CustomFieldsApi", "DeadLettersApi", "OperationsApi", "PlatformApi", "platform_apis"]


def platform_apis(database: Database, processing: Processing) -> tuple[PlatformApi, ...]:
    """The servicers of one service."""
    return (
        DeadLettersApi(database.service, processing),
        AuditApi(database.service),
        CustomFieldsApi(database.service),
        OperationsApi(),
    )
