"""The API key: what it may do, for whom, and when it ends. The secret itself is never stored."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.gateway.v1 import events_pb as events
from facet_contracts.facet.gateway.v1 import resources_pb as pb
from facet_kit.database.base import Aggregate, Scope
from facet_kit.errors import Conflict
from facet_kit.mapping import Mapper


class ApiKey(Aggregate):
    """A credential for a machine that acts for the person who made it."""

    __tablename__ = "api_keys"
    __scope__ = Scope(customer=None, department=None, region=None, owner="person_id")

    display_name: Mapped[str]
    scopes: Mapped[list[str]]
    person_id: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str]
    """The sign-in of the person, by which the directory is asked for his rights at each use."""
    secret_prefix: Mapped[str]
    secret_hash: Mapped[str] = mapped_column(unique=True)
    expire_time: Mapped[datetime | None] = mapped_column(default=None)
    revoke_time: Mapped[datetime | None] = mapped_column(default=None)

    def announce_creation(self) -> None:
        """Records that the key was made."""
        self.record(lambda: events.ApiKeyCreated(api_key=key_map.to_message(self)))

    def revoke(self, now: datetime) -> None:
        """Ends the key for good.

        Raises:
            Conflict: it has been revoked before.
        """
        if self.revoke_time is not None:
            raise Conflict(
                "ILLEGAL_TRANSITION",
                f"The key was revoked at {self.revoke_time.isoformat()} already. There is nothing left to do.",
                metadata={"state": "REVOKED", "verb": "revoke"},
            )
        self.revoke_time = now
        self.record(lambda: events.ApiKeyRevoked(api_key=key_map.to_message(self)))

    def works(self, now: datetime) -> bool:
        """Whether the key opens anything at this instant."""
        return self.revoke_time is None and (self.expire_time is None or now < self.expire_time)


key_map = Mapper(ApiKey, pb.ApiKey, compute={"secret": lambda _key: ""})
