"""Tables of the messaging in every service's database; the base migration of a service creates them."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from facet_kit.database.base import Base

_INSTANT = DateTime(timezone=True)


class OutboxRow(Base):
    """An event, written in the transaction of the change it tells of; a timer when `deliver_at` is set."""

    __tablename__ = "outbox"
    __scope__ = None

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    """The event id, a UUIDv7."""
    seq: Mapped[int] = mapped_column(BigInteger, Identity())
    subject: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text)
    aggregate: Mapped[str] = mapped_column(Text)
    aggregate_id: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(BigInteger)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    traceparent: Mapped[str] = mapped_column(Text)
    create_time: Mapped[datetime] = mapped_column(_INSTANT)
    deliver_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    timer_key: Mapped[str | None] = mapped_column(Text, unique=True)
    """Replaces or cancels a timer; cleared on publication, so that the key can be used again."""
    published_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    stream_created: Mapped[datetime | None] = mapped_column(_INSTANT)
    """Which incarnation of the stream acknowledged the event: a wiped stream is created anew."""
    stream_seq: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        Index("ix_outbox_ready", "seq", postgresql_where=text("published_at IS NULL AND deliver_at IS NULL")),
        Index(
            "ix_outbox_timers",
            "deliver_at",
            "seq",
            postgresql_where=text("published_at IS NULL AND deliver_at IS NOT NULL"),
        ),
        Index("ix_outbox_published", "published_at", postgresql_where=text("published_at IS NOT NULL")),
    )


class InboxRow(Base):
    """An event whose effects this database holds; committed with them."""

    __tablename__ = "inbox"
    __scope__ = None

    consumer: Mapped[str] = mapped_column(Text, primary_key=True)
    event_id: Mapped[str] = mapped_column(Text, primary_key=True)
    time: Mapped[datetime] = mapped_column(_INSTANT, index=True)


class AggregateCursor(Base):
    """The newest version of an aggregate that a handler has seen ('' for all that keep the order)."""

    __tablename__ = "aggregate_cursors"
    __scope__ = None

    consumer: Mapped[str] = mapped_column(Text, primary_key=True)
    handler: Mapped[str] = mapped_column(Text, primary_key=True)
    aggregate: Mapped[str] = mapped_column(Text, primary_key=True)
    """`<service>.<aggregate>`"""
    aggregate_id: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)


class ParkedEvent(Base):
    """An event whose predecessor has not come yet."""

    __tablename__ = "parked_events"
    __scope__ = None

    consumer: Mapped[str] = mapped_column(Text, primary_key=True)
    event_id: Mapped[str] = mapped_column(Text, primary_key=True)
    aggregate: Mapped[str] = mapped_column(Text)
    aggregate_id: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(BigInteger)
    subject: Mapped[str] = mapped_column(Text)
    headers: Mapped[dict[str, str]] = mapped_column(JSONB)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    attempts: Mapped[int] = mapped_column(Integer)
    retry_at: Mapped[datetime] = mapped_column(_INSTANT)
    """When it is taken although the gap before it stays open."""

    __table_args__ = (
        Index("ix_parked_events_aggregate", "consumer", "aggregate", "aggregate_id", "version"),
        Index("ix_parked_events_retry_at", "consumer", "retry_at"),
    )


class DeadLetterRow(Base):
    """An event that could not be handled; kept until someone replays or discards it."""

    __tablename__ = "dead_letters"
    __scope__ = None

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    consumer: Mapped[str] = mapped_column(Text)
    event_id: Mapped[str] = mapped_column(Text)
    aggregate: Mapped[str] = mapped_column(Text)
    aggregate_id: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(BigInteger)
    subject: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text)
    headers: Mapped[dict[str, str]] = mapped_column(JSONB)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    error: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer)
    create_time: Mapped[datetime] = mapped_column(_INSTANT)
    replay_time: Mapped[datetime | None] = mapped_column(_INSTANT)
    state: Mapped[str] = mapped_column(Text)
    """OPEN, REPLAYED or DISCARDED"""

    __table_args__ = (
        UniqueConstraint("consumer", "event_id"),
        Index(
            "ix_dead_letters_open",
            "consumer",
            "aggregate",
            "aggregate_id",
            postgresql_where=text("state = 'OPEN'"),
        ),
    )


class ConsumerRow(Base):
    """Which incarnation of a durable consumer this database follows; without a row all is delivered anew."""

    __tablename__ = "consumers"
    __scope__ = None

    consumer: Mapped[str] = mapped_column(Text, primary_key=True)
    stream: Mapped[str] = mapped_column(Text, primary_key=True)
    created: Mapped[datetime] = mapped_column(_INSTANT)
