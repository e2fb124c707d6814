"""Places in account teams. Who sees what because of them is the kit's row scope."""

from collections.abc import Collection

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from facet_contracts.facet.customer.v1 import events_pb as events
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_customer.staff.model import Staff
from facet_kit.database.base import Aggregate
from facet_kit.errors import Invalid
from facet_kit.mapping import Mapper


class AccountTeamMember(Aggregate):
    """A staff member's place in a customer's team. Read through its customer, whose scope it has."""

    __tablename__ = "account_team_members"
    __scope__ = None
    __table_args__ = (
        Index(
            "uq_account_team_members_customer_id_staff_id",
            "customer_id",
            "staff_id",
            unique=True,
            postgresql_where=text("delete_time IS NULL"),
        ),
    )

    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"))
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff.id"), index=True)
    role: Mapped[str]
    staff: Mapped[Staff] = relationship(lazy="raise")

    @property
    def staff_display_name(self) -> str:
        """Name of the staff member."""
        return self.staff.display_name

    def check(self) -> None:
        """Raises Invalid unless the member has a role."""
        if not self.role.strip():
            raise Invalid("FIELD_MISSING", "must not be empty", field="account_team_member.role")

    def added(self) -> None:
        """Announces that the member joined."""
        self.record(lambda: events.AccountTeamMemberAdded(member=team_member_map.to_message(self)))

    def updated(self, changed: Collection[str]) -> None:
        """Announces changed fields."""
        names = sorted(changed)
        self.record(
            lambda: events.AccountTeamMemberUpdated(member=team_member_map.to_message(self), changed=names)
        )

    def removed(self) -> None:
        """Announces that the member left."""
        self.record(lambda: events.AccountTeamMemberRemoved(member=team_member_map.to_message(self)))


team_member_map = Mapper(AccountTeamMember, pb.AccountTeamMember)
