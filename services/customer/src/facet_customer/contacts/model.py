"""Contacts and where they worked when (CUS-05): affiliations are never overwritten, they end and others begin."""

from collections.abc import Collection, Iterable
from datetime import date

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from facet_contracts.facet.customer.v1 import events_pb as events
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_customer.intervals import Interval, require_order
from facet_kit.database.base import Aggregate, Base, CustomFields, Scope
from facet_kit.errors import Conflict, Invalid, NotFound
from facet_kit.mapping import Mapper
from facet_kit.search import Searchable, search_indexes


class Affiliation(Interval, Base):
    """A time during which a contact worked for a customer. Part of its contact."""

    __tablename__ = "affiliations"
    __scope__ = None
    __table_args__ = (Index("ix_affiliations_contact_id_valid_from", "contact_id", "valid_from"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    contact_id: Mapped[str] = mapped_column(ForeignKey("contacts.id"))
    customer_id: Mapped[str] = mapped_column(index=True)
    department_name: Mapped[str] = mapped_column(default="")
    title: Mapped[str] = mapped_column(default="")
    role: Mapped[str] = mapped_column(default="")
    primary: Mapped[bool]
    in_force: Mapped[bool] = mapped_column(default=False)
    """It has been announced as begun and not yet as ended."""


class Contact(Searchable, CustomFields, Aggregate):
    """A person at a customer. Who sees the employer sees the contact; between two jobs, who saw the last one."""

    __tablename__ = "contacts"
    __scope__ = Scope()
    __table_args__ = (
        Index(
            "uq_contacts_portal_subject",
            "portal_subject",
            unique=True,
            postgresql_where=text("portal_subject <> '' AND delete_time IS NULL"),
        ),
        Index("ix_contacts_create_time_id", "create_time", "id"),
        Index("ix_contacts_update_time_id", "update_time", "id"),
        Index("ix_contacts_display_name_id", "display_name", "id"),
        *search_indexes("contacts"),
    )

    display_name: Mapped[str]
    salutation: Mapped[str] = mapped_column(default="")
    phones: Mapped[list[str]] = mapped_column(default=list)
    emails: Mapped[list[str]] = mapped_column(default=list)
    portal_subject: Mapped[str] = mapped_column(default="")
    language_code: Mapped[str] = mapped_column(default="")
    birth_date: Mapped[date | None]
    description: Mapped[str] = mapped_column(default="")
    customer_id: Mapped[str] = mapped_column(default="", index=True)
    department_id: Mapped[str] = mapped_column(default="", index=True)
    region_id: Mapped[str] = mapped_column(default="", index=True)
    owner_id: Mapped[str] = mapped_column(default="", index=True)
    affiliations: Mapped[list[Affiliation]] = relationship(cascade="all, delete-orphan", lazy="raise")

    def check(self) -> None:
        """Raises Invalid unless the record has a name."""
        if not self.display_name.strip():
            raise Invalid("FIELD_MISSING", "must not be empty", field="contact.display_name")

    @property
    def affiliation(self) -> Affiliation | None:
        """The main affiliation in force; None between two jobs."""
        return next((each for each in self.affiliations if each.primary and each.in_force), None)

    def affiliation_on(self, day: date) -> Affiliation | None:
        """The main affiliation of a day, past or to come."""
        return next((each for each in self.affiliations if each.primary and each.covers(day)), None)

    def affiliate(self, new: Affiliation) -> None:
        """Adds an affiliation.

        Raises:
            Invalid: its end is not after its start; it overlaps one with the same employer, or a main one
                another main one.
        """
        require_order(new.valid_from, new.valid_to, "affiliation.valid_to")
        for each in self.affiliations:
            if each.overlaps(new.valid_from, new.valid_to) and (
                each.customer_id == new.customer_id or (each.primary and new.primary)
            ):
                until = each.valid_to.isoformat() if each.valid_to else "further notice"
                raise Invalid(
                    "AFFILIATION_OVERLAP",
                    f"it overlaps affiliation {each.id!r} from {each.valid_from.isoformat()} until {until}; "
                    "end that one first, or choose other days",
                    field="affiliation.valid_from",
                    metadata={"affiliation_id": each.id},
                )
        new.contact_id = self.id
        self.affiliations.append(new)

    def change_affiliation(self, new: Affiliation) -> None:
        """Ends the main affiliation on the day the new one starts, and starts that (CUS-05).

        Raises:
            Invalid: it would start before the present one did, or overlaps one that is planned already.
        """
        present = self.affiliation_on(new.valid_from)
        if present is not None:
            require_order(present.valid_from, new.valid_from, "effective_date")
            present.valid_to = new.valid_from
        self.affiliate(new)

    def end_affiliation(self, affiliation_id: str, day: date, today: date) -> None:
        """Ends an affiliation; `day` is the day after its last.

        Raises:
            NotFound: the contact has no such affiliation.
            Conflict: it has ended already.
            Invalid: it would end before it began.
        """
        ending = next((each for each in self.affiliations if each.id == affiliation_id), None)
        if ending is None:
            raise NotFound("Affiliation", affiliation_id)
        if ending.valid_to is not None and ending.valid_to <= today:
            raise Conflict(
                "AFFILIATION_ENDED",
                f"Affiliation {affiliation_id!r} ended on {ending.valid_to.isoformat()} already.",
                metadata={"affiliation_id": affiliation_id},
            )
        require_order(ending.valid_from, day, "end_date")
        ending.valid_to = day

    def settle(self, today: date, *, announce: bool = True) -> bool:
        """Brings into force what holds today, announces it, and returns whether anything began or ended.

        The main affiliation that ended and the one that began are one fact; each further one is its own.
        """
        began = [each for each in self.affiliations if not each.in_force and each.covers(today)]
        ended = [each for each in self.affiliations if each.in_force and not each.covers(today)]
        for each in began:
            each.in_force = True
        for each in ended:
            each.in_force = False
        main = self.affiliation
        self.customer_id = main.customer_id if main else ""
        if announce:
            self._announce(began, ended)
        return bool(began or ended)

    def _announce(self, began: list[Affiliation], ended: list[Affiliation]) -> None:
        main_ended = next((each for each in ended if each.primary), None)
        main_began = next((each for each in began if each.primary), None)
        if main_ended or main_began:
            self._affiliation_changed(main_ended, main_began)
        for each in ended:
            if not each.primary:
                self._affiliation_changed(each, None)
        for each in began:
            if not each.primary:
                self._affiliation_changed(None, each)

    def _affiliation_changed(self, ended: Affiliation | None, started: Affiliation | None) -> None:
        self.record(
            lambda: events.ContactAffiliationChanged(
                contact=contact_map.to_message(self),
                ended=affiliation_map.to_message(ended) if ended else None,
                started=affiliation_map.to_message(started) if started else None,
            )
        )

    def make_findable(self) -> None:
        """Renews what search finds the contact by (CUS-06)."""
        self.index_search([self.display_name], phones=self.phones, emails=self.emails)

    def created(self) -> None:
        """Announces the new contact."""
        self.record(lambda: events.ContactCreated(contact=contact_map.to_message(self)))

    def updated(self, changed: Collection[str]) -> None:
        """Announces changed fields."""
        names = sorted(changed)
        self.record(lambda: events.ContactUpdated(contact=contact_map.to_message(self), changed=names))


def _present(contact: Contact) -> pb.Affiliation | None:
    main = contact.affiliation
    return affiliation_map.to_message(main) if main else None


def _history(contact: Contact) -> list[pb.Affiliation]:
    latest_first = sorted(contact.affiliations, key=lambda each: (each.valid_from, each.id), reverse=True)
    return affiliation_map.to_messages(latest_first)


affiliation_map = Mapper(Affiliation, pb.Affiliation)
contact_map = Mapper(Contact, pb.Contact, compute={"affiliation": _present, "affiliations": _history})


def listed(contacts: Iterable[Contact]) -> list[pb.Contact]:
    """Contacts as lists show them: with the affiliation of today, without the history."""
    messages = contact_map.to_messages(contacts)
    for message in messages:
        message.clear_field("affiliations")
    return messages
