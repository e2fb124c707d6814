"""The service-desk service's tables as they first were, with those of the kit."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from facet_kit.migrations.tables import create_kit_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_kit_tables()
    op.execute(sa.schema.CreateSequence(sa.Sequence("ticket_number_seq")))
    op.create_table(
        "asset_summary",
        sa.Column("in_service_count", sa.Integer(), nullable=False),
        sa.Column("delivered_count", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "department_id", "region_id", name=op.f("pk_asset_summary")),
    )
    op.create_table(
        "assets",
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("model_code", sa.Text(), nullable=False),
        sa.Column("serial_number", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("install_date", sa.Date(), nullable=True),
        sa.Column("warranty_start_date", sa.Date(), nullable=True),
        sa.Column("warranty_end_date", sa.Date(), nullable=True),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("order_line_id", sa.Text(), nullable=False),
        sa.Column("unit_number", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("retire_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom_fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_assets_quantity")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assets")),
    )
    op.create_index("ix_assets_create_time", "assets", ["create_time", "id"], unique=False)
    op.create_index("ix_assets_customer_id", "assets", ["customer_id", "create_time", "id"], unique=False)
    op.create_index(op.f("ix_assets_department_id"), "assets", ["department_id"], unique=False)
    op.create_index("ix_assets_install_date", "assets", ["install_date", "id"], unique=False)
    op.create_index("ix_assets_model_code", "assets", ["model_code", "id"], unique=False)
    op.create_index(op.f("ix_assets_region_id"), "assets", ["region_id"], unique=False)
    op.create_index("ix_assets_warranty_end_date", "assets", ["warranty_end_date", "id"], unique=False)
    op.create_index(
        "ix_assets_warranty_ending",
        "assets",
        ["customer_id", "warranty_end_date"],
        unique=False,
        postgresql_where=sa.text("state = 'IN_SERVICE' AND delete_time IS NULL"),
    )
    op.create_index(
        "uq_assets_delivery",
        "assets",
        ["order_id", "order_line_id", "unit_number"],
        unique=True,
        postgresql_where=sa.text("order_id <> ''"),
    )
    op.create_index(
        "uq_assets_serial_number",
        "assets",
        ["model_code", "serial_number"],
        unique=True,
        postgresql_where=sa.text("serial_number <> '' AND delete_time IS NULL"),
    )
    op.create_table(
        "service_records",
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("ticket_id", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("engineer_id", sa.Text(), nullable=False),
        sa.Column("start_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("work_done", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_records")),
    )
    op.create_index(
        "ix_service_records_asset_id", "service_records", ["asset_id", "start_time", "id"], unique=False
    )
    op.create_index("ix_service_records_create_time", "service_records", ["create_time", "id"], unique=False)
    op.create_index(
        "ix_service_records_customer_id", "service_records", ["customer_id", "start_time", "id"], unique=False
    )
    op.create_index(
        "ix_service_records_department_id",
        "service_records",
        ["department_id", "start_time", "id"],
        unique=False,
    )
    op.create_index(
        "ix_service_records_engineer_id", "service_records", ["engineer_id", "start_time", "id"], unique=False
    )
    op.create_index(
        "ix_service_records_region_id", "service_records", ["region_id", "start_time", "id"], unique=False
    )
    op.create_index("ix_service_records_start_time", "service_records", ["start_time", "id"], unique=False)
    op.create_index(
        "ix_service_records_ticket_id", "service_records", ["ticket_id", "start_time", "id"], unique=False
    )
    op.create_table(
        "sla_policies",
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("calendar_id", sa.Text(), nullable=False),
        sa.Column("first_response_minutes", sa.Integer(), nullable=False),
        sa.Column("resolution_minutes", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "first_response_minutes > 0 AND resolution_minutes > 0", name=op.f("ck_sla_policies_minutes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_policies")),
    )
    op.create_index(
        "uq_sla_policies_priority",
        "sla_policies",
        ["priority"],
        unique=True,
        postgresql_where=sa.text("delete_time IS NULL"),
    )
    op.create_table(
        "ticket_summary",
        sa.Column("open_p1_count", sa.Integer(), nullable=False),
        sa.Column("open_p2_count", sa.Integer(), nullable=False),
        sa.Column("open_p3_count", sa.Integer(), nullable=False),
        sa.Column("open_p4_count", sa.Integer(), nullable=False),
        sa.Column("breached_count", sa.Integer(), nullable=False),
        sa.Column("pending_customer_count", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "department_id", "region_id", name=op.f("pk_ticket_summary")),
    )
    op.create_table(
        "tickets",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("assignee_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("breached", sa.Boolean(), nullable=False),
        sa.Column("next_due_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("solution", sa.Text(), nullable=False),
        sa.Column("first_response_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolve_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("close_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reopen_count", sa.Integer(), nullable=False),
        sa.Column("custom_fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("number", name=op.f("uq_tickets_number")),
    )
    op.create_index("ix_tickets_asset_id", "tickets", ["asset_id", "create_time", "id"], unique=False)
    op.create_index("ix_tickets_assignee_id", "tickets", ["assignee_id", "create_time", "id"], unique=False)
    op.create_index(op.f("ix_tickets_contact_id"), "tickets", ["contact_id"], unique=False)
    op.create_index("ix_tickets_create_time", "tickets", ["create_time", "id"], unique=False)
    op.create_index("ix_tickets_customer_id", "tickets", ["customer_id", "create_time", "id"], unique=False)
    op.create_index(op.f("ix_tickets_department_id"), "tickets", ["department_id"], unique=False)
    op.create_index("ix_tickets_next_due_time", "tickets", ["next_due_time", "id"], unique=False)
    op.create_index(
        "ix_tickets_open",
        "tickets",
        ["customer_id", "priority", "create_time"],
        unique=False,
        postgresql_where=sa.text("state IN ('NEW', 'OPEN', 'PENDING_CUSTOMER') AND delete_time IS NULL"),
    )
    op.create_index("ix_tickets_priority", "tickets", ["priority", "id"], unique=False)
    op.create_index(op.f("ix_tickets_region_id"), "tickets", ["region_id"], unique=False)
    op.create_index("ix_tickets_update_time", "tickets", ["update_time", "id"], unique=False)
    op.create_table(
        "working_calendars",
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("intervals", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("holidays", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_working_calendars")),
    )
    op.create_index(
        "uq_working_calendars_display_name",
        "working_calendars",
        ["display_name"],
        unique=True,
        postgresql_where=sa.text("delete_time IS NULL"),
    )
    op.create_table(
        "ticket_clocks",
        sa.Column("ticket_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("target_minutes", sa.Integer(), nullable=False),
        sa.Column("calendar_id", sa.Text(), nullable=False),
        sa.Column("banked_us", sa.BigInteger(), nullable=False),
        sa.Column("running_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("breach_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stop_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("met", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_clocks_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "kind", name=op.f("pk_ticket_clocks")),
    )
    op.create_index(
        "ix_ticket_clocks_running",
        "ticket_clocks",
        ["calendar_id"],
        unique=False,
        postgresql_where=sa.text("state = 'RUNNING'"),
    )
    op.create_table(
        "ticket_comments",
        sa.Column("ticket_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("from_customer", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_comments_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_comments")),
    )
    op.create_index(
        "ix_ticket_comments_ticket_id", "ticket_comments", ["ticket_id", "create_time", "id"], unique=False
    )
    op.create_table(
        "ticket_pauses",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.Text(), nullable=False),
        sa.Column("start_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_pauses_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_pauses")),
    )
    op.create_index(op.f("ix_ticket_pauses_ticket_id"), "ticket_pauses", ["ticket_id"], unique=False)
