"""The marketing service's tables as they first were, with those of the kit."""

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
    op.create_table(
        "campaigns",
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("goal", sa.Text(), nullable=False),
        sa.Column("segment_goal", sa.Text(), nullable=False),
        sa.Column("value_hypothesis", sa.Text(), nullable=False),
        sa.Column("stop_rule", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("budget_amount", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("budget_currency", sa.Text(), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=True),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("audience", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("activate_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("complete_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom_fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("budget_amount >= 0", name=op.f("ck_campaigns_budget")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
    )
    op.create_index("ix_campaigns_create_time", "campaigns", ["create_time", "id"], unique=False)
    op.create_index(op.f("ix_campaigns_department_id"), "campaigns", ["department_id"], unique=False)
    op.create_index("ix_campaigns_display_name", "campaigns", ["display_name", "id"], unique=False)
    op.create_index(op.f("ix_campaigns_owner_id"), "campaigns", ["owner_id"], unique=False)
    op.create_index(op.f("ix_campaigns_region_id"), "campaigns", ["region_id"], unique=False)
    op.create_index("ix_campaigns_start_date", "campaigns", ["start_date", "id"], unique=False)
    op.create_index("ix_campaigns_state", "campaigns", ["state", "id"], unique=False)
    op.create_table(
        "consents",
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
        sa.UniqueConstraint("customer_id", "contact_id", "channel", "purpose", name="uq_consents_statement"),
    )
    op.create_index("ix_consents_contact_id", "consents", ["contact_id", "channel", "purpose"], unique=False)
    op.create_index("ix_consents_create_time", "consents", ["create_time", "id"], unique=False)
    op.create_index(op.f("ix_consents_department_id"), "consents", ["department_id"], unique=False)
    op.create_index(op.f("ix_consents_region_id"), "consents", ["region_id"], unique=False)
    op.create_index("ix_consents_state_time", "consents", ["state_time", "id"], unique=False)
    op.create_table(
        "frequency_policies",
        sa.Column("window_days", sa.Integer(), nullable=False),
        sa.Column("person_cap", sa.Integer(), nullable=False),
        sa.Column("account_cap", sa.Integer(), nullable=False),
        sa.Column("channel_weights", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("cool_down_days", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_frequency_policies")),
    )
    op.create_index(
        "ix_frequency_policies_create_time", "frequency_policies", ["create_time", "id"], unique=False
    )
    op.create_table(
        "points_accounts",
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("earned", sa.BigInteger(), nullable=False),
        sa.Column("burned", sa.BigInteger(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("balance = earned - burned", name=op.f("ck_points_accounts_balance")),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_points_accounts")),
    )
    op.create_index("ix_points_accounts_balance", "points_accounts", ["balance", "customer_id"], unique=False)
    op.create_index(
        op.f("ix_points_accounts_department_id"), "points_accounts", ["department_id"], unique=False
    )
    op.create_index(op.f("ix_points_accounts_region_id"), "points_accounts", ["region_id"], unique=False)
    op.create_index(
        "ix_points_accounts_update_time", "points_accounts", ["update_time", "customer_id"], unique=False
    )
    op.create_table(
        "points_entries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reverses_entry_id", sa.Text(), nullable=False),
        sa.Column("balance_after", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("points <> 0", name=op.f("ck_points_entries_points")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_points_entries")),
        sa.UniqueConstraint("customer_id", "reference", name="uq_points_entries_reference"),
    )
    op.create_index("ix_points_entries_create_time", "points_entries", ["create_time", "id"], unique=False)
    op.create_index(
        "ix_points_entries_customer_id", "points_entries", ["customer_id", "create_time", "id"], unique=False
    )
    op.create_index(
        op.f("ix_points_entries_department_id"), "points_entries", ["department_id"], unique=False
    )
    op.create_index(op.f("ix_points_entries_region_id"), "points_entries", ["region_id"], unique=False)
    op.create_index(
        "uq_points_entries_reversal",
        "points_entries",
        ["reverses_entry_id"],
        unique=True,
        postgresql_where=sa.text("reverses_entry_id <> ''"),
    )
    op.create_table(
        "touches",
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("denial_reason", sa.Text(), nullable=False),
        sa.Column("denial_message", sa.Text(), nullable=False),
        sa.Column("next_allowed_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("touch_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sender_id", sa.Text(), nullable=False),
        sa.Column("complaint_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("complaint", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_touches")),
    )
    op.create_index(
        "ix_touches_account_ledger",
        "touches",
        ["customer_id", "touch_time"],
        unique=False,
        postgresql_where=sa.text("weight > 0"),
    )
    op.create_index("ix_touches_campaign_id", "touches", ["campaign_id", "touch_time", "id"], unique=False)
    op.create_index(
        "ix_touches_complaints",
        "touches",
        ["contact_id", "customer_id", "complaint_time"],
        unique=False,
        postgresql_where=sa.text("complaint_time IS NOT NULL"),
    )
    op.create_index("ix_touches_contact_id", "touches", ["contact_id", "touch_time", "id"], unique=False)
    op.create_index("ix_touches_customer_id", "touches", ["customer_id", "touch_time", "id"], unique=False)
    op.create_index(op.f("ix_touches_department_id"), "touches", ["department_id"], unique=False)
    op.create_index(
        "ix_touches_person_ledger",
        "touches",
        ["contact_id", "touch_time"],
        unique=False,
        postgresql_where=sa.text("weight > 0"),
    )
    op.create_index(op.f("ix_touches_region_id"), "touches", ["region_id"], unique=False)
    op.create_index("ix_touches_sender_id", "touches", ["sender_id", "touch_time", "id"], unique=False)
    op.create_index("ix_touches_touch_time", "touches", ["touch_time", "id"], unique=False)
    op.create_table(
        "consent_changes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("consent_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("change_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["consent_id"], ["consents.id"], name=op.f("fk_consent_changes_consent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_changes")),
    )
    op.create_index(
        "ix_consent_changes_consent_id", "consent_changes", ["consent_id", "change_time", "id"], unique=False
    )
    # What was said and what was entered is never changed or deleted, whoever tries.
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME;
        END
        $$
        """
    )
    for table in ("consent_changes", "points_entries"):
        op.execute(
            f"CREATE TRIGGER {table}_immutable BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
