"""Schema of the sales service, with the tables that every service has."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from facet_kit.migrations.tables import create_kit_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# The decision log is evidence: the database itself refuses to change or delete an entry.
_FROZEN_DECISIONS = """
CREATE FUNCTION keep_order_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'decision % of order % never changes', OLD.id, OLD.order_id
    USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_order_decisions_frozen', TABLE = 'order_decisions';
END $$;
"""

_NUMBERS = ("order_number_seq", "contract_number_seq", "invoice_number_seq")


def upgrade() -> None:
    create_kit_tables()
    op.create_table(
        "contracts",
        sa.Column("contract_number", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("sign_date", sa.Date(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("amount_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("activate_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("terminate_date", sa.Date(), nullable=True),
        sa.Column("terminate_reason", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("exchange_rate", sa.Numeric(precision=20, scale=10), nullable=False),
        sa.Column("reporting_currency", sa.Text(), nullable=False),
        sa.Column("custom_fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contracts")),
        sa.UniqueConstraint("contract_number", name=op.f("uq_contracts_contract_number")),
    )
    op.create_index("ix_contracts_amount", "contracts", ["amount_amount", "id"], unique=False)
    op.create_index("ix_contracts_create_time", "contracts", ["create_time", "id"], unique=False)
    op.create_index("ix_contracts_customer", "contracts", ["customer_id", "state", "valid_to"], unique=False)
    op.create_index("ix_contracts_department_id", "contracts", ["department_id"], unique=False)
    op.create_index("ix_contracts_owner_id", "contracts", ["owner_id"], unique=False)
    op.create_index("ix_contracts_region_id", "contracts", ["region_id"], unique=False)
    op.create_index("ix_contracts_valid_to", "contracts", ["valid_to", "id"], unique=False)
    op.create_table(
        "pipelines",
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipelines")),
    )
    op.create_index("ix_pipelines_display_name", "pipelines", ["display_name", "id"], unique=False)
    op.create_table(
        "product_categories",
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=True),
        sa.Column("ancestor_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["product_categories.id"], name=op.f("fk_product_categories_parent_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_categories")),
    )
    op.create_index(
        "ix_product_categories_ancestor_ids",
        "product_categories",
        ["ancestor_ids"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(
        "ix_product_categories_display_name", "product_categories", ["display_name", "id"], unique=False
    )
    op.create_index(
        op.f("ix_product_categories_parent_id"), "product_categories", ["parent_id"], unique=False
    )
    op.create_table(
        "sales_summary",
        sa.Column("open_opportunities", sa.Integer(), nullable=False),
        sa.Column("open_opportunity_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("weighted_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("won_opportunities", sa.Integer(), nullable=False),
        sa.Column("lost_opportunities", sa.Integer(), nullable=False),
        sa.Column("open_orders", sa.Integer(), nullable=False),
        sa.Column("open_order_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("settled_orders", sa.Integer(), nullable=False),
        sa.Column("undelivered_orders", sa.Integer(), nullable=False),
        sa.Column("undelivered_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("active_contracts", sa.Integer(), nullable=False),
        sa.Column("active_contract_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("open_invoices", sa.Integer(), nullable=False),
        sa.Column("open_invoice_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "department_id", "region_id", name=op.f("pk_sales_summary")),
    )
    op.create_table(
        "sales_year",
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("invoiced_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("shipped_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("paid_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("last_payment_date", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint(
            "customer_id", "department_id", "region_id", "year", name=op.f("pk_sales_year")
        ),
    )
    op.create_table(
        "contract_parties",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("contract_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("signatory", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contracts.id"], name=op.f("fk_contract_parties_contract_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_parties")),
    )
    op.create_index(
        op.f("ix_contract_parties_contract_id"), "contract_parties", ["contract_id"], unique=False
    )
    op.create_table(
        "pipeline_stages",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("pipeline_id", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("win_probability", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pipeline_id"], ["pipelines.id"], name=op.f("fk_pipeline_stages_pipeline_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipeline_stages")),
    )
    op.create_index(op.f("ix_pipeline_stages_pipeline_id"), "pipeline_stages", ["pipeline_id"], unique=False)
    op.create_table(
        "products",
        sa.Column("model_code", sa.Text(), nullable=False),
        sa.Column("model_key", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("category_id", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("list_price_amount", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("list_price_currency", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("serviceable", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["category_id"], ["product_categories.id"], name=op.f("fk_products_category_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("model_key", name=op.f("uq_products_model_key")),
    )
    op.create_index(op.f("ix_products_category_id"), "products", ["category_id"], unique=False)
    op.create_index("ix_products_create_time", "products", ["create_time", "id"], unique=False)
    op.create_index("ix_products_display_name", "products", ["display_name", "id"], unique=False)
    op.create_index("ix_products_model_code", "products", ["model_code", "id"], unique=False)
    op.create_table(
        "opportunities",
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("pipeline_id", sa.Text(), nullable=False),
        sa.Column("stage_id", sa.Text(), nullable=False),
        sa.Column("amount_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("win_probability", sa.Integer(), nullable=False),
        sa.Column("weighted_value", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("expected_close_date", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("close_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("close_reason", sa.Text(), nullable=False),
        sa.Column("competitor", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("stage_enter_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("exchange_rate", sa.Numeric(precision=20, scale=10), nullable=False),
        sa.Column("reporting_currency", sa.Text(), nullable=False),
        sa.Column("custom_fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipelines.id"], name=op.f("fk_opportunities_pipeline_id")),
        sa.ForeignKeyConstraint(["stage_id"], ["pipeline_stages.id"], name=op.f("fk_opportunities_stage_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opportunities")),
    )
    op.create_index("ix_opportunities_amount", "opportunities", ["amount_amount", "id"], unique=False)
    op.create_index("ix_opportunities_create_time", "opportunities", ["create_time", "id"], unique=False)
    op.create_index("ix_opportunities_customer", "opportunities", ["customer_id", "state"], unique=False)
    op.create_index("ix_opportunities_department_id", "opportunities", ["department_id"], unique=False)
    op.create_index("ix_opportunities_display_name", "opportunities", ["display_name", "id"], unique=False)
    op.create_index(
        "ix_opportunities_expected_close_date", "opportunities", ["expected_close_date", "id"], unique=False
    )
    op.create_index("ix_opportunities_owner_id", "opportunities", ["owner_id"], unique=False)
    op.create_index(op.f("ix_opportunities_pipeline_id"), "opportunities", ["pipeline_id"], unique=False)
    op.create_index("ix_opportunities_region_id", "opportunities", ["region_id"], unique=False)
    op.create_index(op.f("ix_opportunities_stage_id"), "opportunities", ["stage_id"], unique=False)
    op.create_table(
        "opportunity_revisions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("opportunity_id", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("pipeline_id", sa.Text(), nullable=False),
        sa.Column("stage_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reporting_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("weighted_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("expected_close_date", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["opportunity_id"], ["opportunities.id"], name=op.f("fk_opportunity_revisions_opportunity_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opportunity_revisions")),
    )
    op.create_index(
        "ix_opportunity_revisions_forecast",
        "opportunity_revisions",
        ["expected_close_date", "valid_from", "valid_to"],
        unique=False,
    )
    op.create_index(
        "ix_opportunity_revisions_opportunity_id",
        "opportunity_revisions",
        ["opportunity_id", "valid_from"],
        unique=False,
    )
    op.create_index(
        "uq_opportunity_revisions_present",
        "opportunity_revisions",
        ["opportunity_id"],
        unique=True,
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "orders",
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=True),
        sa.Column("opportunity_id", sa.Text(), nullable=True),
        sa.Column("contract_id", sa.Text(), nullable=True),
        sa.Column("customer_reference", sa.Text(), nullable=False),
        sa.Column("required_ship_date", sa.Date(), nullable=True),
        sa.Column("total_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("invoiced_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("paid_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("submitted_by", sa.Text(), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("finance_approved_by", sa.Text(), nullable=True),
        sa.Column("submit_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approve_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finance_approve_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ship_date", sa.Date(), nullable=True),
        sa.Column("receipt_date", sa.Date(), nullable=True),
        sa.Column("settle_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state_reason", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("exchange_rate", sa.Numeric(precision=20, scale=10), nullable=False),
        sa.Column("reporting_currency", sa.Text(), nullable=False),
        sa.Column("custom_fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "approved_by <> finance_approved_by", name=op.f("ck_orders_approver_is_not_finance_approver")
        ),
        sa.CheckConstraint(
            "invoiced_amount BETWEEN 0 AND total_amount", name=op.f("ck_orders_invoiced_at_most_total")
        ),
        sa.CheckConstraint(
            "paid_amount BETWEEN 0 AND invoiced_amount", name=op.f("ck_orders_paid_at_most_invoiced")
        ),
        sa.CheckConstraint("submitted_by <> approved_by", name=op.f("ck_orders_submitter_is_not_approver")),
        sa.CheckConstraint(
            "submitted_by <> finance_approved_by", name=op.f("ck_orders_submitter_is_not_finance_approver")
        ),
        sa.ForeignKeyConstraint(["contract_id"], ["contracts.id"], name=op.f("fk_orders_contract_id")),
        sa.ForeignKeyConstraint(
            ["opportunity_id"], ["opportunities.id"], name=op.f("fk_orders_opportunity_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("order_number", name=op.f("uq_orders_order_number")),
    )
    op.create_index("ix_orders_channel_id", "orders", ["channel_id"], unique=False)
    op.create_index(op.f("ix_orders_contract_id"), "orders", ["contract_id"], unique=False)
    op.create_index("ix_orders_create_time", "orders", ["create_time", "id"], unique=False)
    op.create_index("ix_orders_customer", "orders", ["customer_id", "create_time"], unique=False)
    op.create_index("ix_orders_department_id", "orders", ["department_id"], unique=False)
    op.create_index("ix_orders_finance_approve_time", "orders", ["finance_approve_time"], unique=False)
    op.create_index(op.f("ix_orders_opportunity_id"), "orders", ["opportunity_id"], unique=False)
    op.create_index("ix_orders_owner_id", "orders", ["owner_id"], unique=False)
    op.create_index("ix_orders_region_id", "orders", ["region_id"], unique=False)
    op.create_index("ix_orders_required_ship_date", "orders", ["required_ship_date", "id"], unique=False)
    op.create_index("ix_orders_state", "orders", ["state", "create_time"], unique=False)
    op.create_index("ix_orders_total", "orders", ["total_amount", "id"], unique=False)
    op.create_table(
        "invoices",
        sa.Column("invoice_number", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("amount_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("paid_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("open_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("issue_date", sa.Date(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("paid_date", sa.Date(), nullable=True),
        sa.Column("void_date", sa.Date(), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("exchange_rate", sa.Numeric(precision=20, scale=10), nullable=False),
        sa.Column("reporting_currency", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_amount > 0", name=op.f("ck_invoices_amount_positive")),
        sa.CheckConstraint(
            "paid_amount BETWEEN 0 AND amount_amount", name=op.f("ck_invoices_paid_at_most_invoiced")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_invoices_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("invoice_number", name=op.f("uq_invoices_invoice_number")),
    )
    op.create_index("ix_invoices_amount", "invoices", ["amount_amount", "id"], unique=False)
    op.create_index("ix_invoices_create_time", "invoices", ["create_time", "id"], unique=False)
    op.create_index("ix_invoices_customer", "invoices", ["customer_id", "issue_date"], unique=False)
    op.create_index("ix_invoices_department_id", "invoices", ["department_id"], unique=False)
    op.create_index("ix_invoices_due_date", "invoices", ["due_date", "id"], unique=False)
    op.create_index("ix_invoices_issue_date", "invoices", ["issue_date", "id"], unique=False)
    op.create_index(
        "ix_invoices_open",
        "invoices",
        ["customer_id", "due_date"],
        unique=False,
        postgresql_where=sa.text("state IN ('OPEN', 'PARTLY_PAID')"),
    )
    op.create_index(op.f("ix_invoices_order_id"), "invoices", ["order_id"], unique=False)
    op.create_index("ix_invoices_owner_id", "invoices", ["owner_id"], unique=False)
    op.create_index("ix_invoices_region_id", "invoices", ["region_id"], unique=False)
    op.create_table(
        "order_duty_holders",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_duty_holders_order_id")),
        sa.PrimaryKeyConstraint("order_id", "person_id", name=op.f("pk_order_duty_holders")),
        sa.UniqueConstraint(
            "order_id", "person_id", "duty", name=op.f("uq_order_duty_holders_order_id_person_id_duty")
        ),
    )
    op.create_table(
        "order_lines",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("model_code", sa.Text(), nullable=False),
        sa.Column("product_name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("unit_price_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("discount_percent", sa.Numeric(precision=7, scale=4), nullable=False),
        sa.Column("line_total_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("shipped_quantity", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("serviceable", sa.Boolean(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_lines_quantity_positive")),
        sa.CheckConstraint(
            "shipped_quantity BETWEEN 0 AND quantity", name=op.f("ck_order_lines_shipped_at_most_ordered")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_order_lines_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_lines")),
    )
    op.create_index(op.f("ix_order_lines_order_id"), "order_lines", ["order_id"], unique=False)
    op.create_index(op.f("ix_order_lines_product_id"), "order_lines", ["product_id"], unique=False)
    op.create_table(
        "shipments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("ship_date", sa.Date(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("tracking_number", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_shipments_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipments")),
    )
    op.create_index(op.f("ix_shipments_order_id"), "shipments", ["order_id"], unique=False)
    op.create_table(
        "order_decisions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("duty", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("principal_id", sa.Text(), nullable=False),
        sa.Column("decide_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("amount_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id", "person_id", "duty"],
            ["order_duty_holders.order_id", "order_duty_holders.person_id", "order_duty_holders.duty"],
            name=op.f("fk_order_decisions_order_id_person_id_duty"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_decisions")),
    )
    op.create_index(
        "ix_order_decisions_order_id", "order_decisions", ["order_id", "decide_time", "id"], unique=False
    )
    op.create_table(
        "payments",
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("amount_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("payment_date", sa.Date(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_amount > 0", name=op.f("ck_payments_amount_positive")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_payments_invoice_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_payments_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
    )
    op.create_index("ix_payments_amount", "payments", ["amount_amount", "id"], unique=False)
    op.create_index("ix_payments_create_time", "payments", ["create_time", "id"], unique=False)
    op.create_index("ix_payments_customer", "payments", ["customer_id", "payment_date"], unique=False)
    op.create_index("ix_payments_department_id", "payments", ["department_id"], unique=False)
    op.create_index("ix_payments_invoice", "payments", ["invoice_id", "payment_date"], unique=False)
    op.create_index(op.f("ix_payments_order_id"), "payments", ["order_id"], unique=False)
    op.create_index("ix_payments_owner_id", "payments", ["owner_id"], unique=False)
    op.create_index("ix_payments_payment_date", "payments", ["payment_date", "id"], unique=False)
    op.create_index("ix_payments_region_id", "payments", ["region_id"], unique=False)
    op.create_table(
        "shipment_lines",
        sa.Column("shipment_id", sa.Text(), nullable=False),
        sa.Column("order_line_id", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_shipment_lines_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_lines.id"], name=op.f("fk_shipment_lines_order_line_id")
        ),
        sa.ForeignKeyConstraint(
            ["shipment_id"], ["shipments.id"], name=op.f("fk_shipment_lines_shipment_id")
        ),
        sa.PrimaryKeyConstraint("shipment_id", "order_line_id", name=op.f("pk_shipment_lines")),
    )
    op.create_index(
        op.f("ix_shipment_lines_order_line_id"), "shipment_lines", ["order_line_id"], unique=False
    )
    for name in _NUMBERS:
        op.execute(sa.schema.CreateSequence(sa.Sequence(name)))
    op.execute(_FROZEN_DECISIONS)
    op.execute(
        "CREATE TRIGGER order_decisions_frozen BEFORE UPDATE OR DELETE ON order_decisions "
        "FOR EACH ROW EXECUTE FUNCTION keep_order_decision()"
    )
