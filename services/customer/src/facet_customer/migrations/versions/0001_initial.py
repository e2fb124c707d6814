"""Schema of the customer service, with the tables that every service has."""

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
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")  # search by part of a name
    op.create_table(
        "classification_dimensions",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_classification_dimensions")),
    )
    op.create_index(
        "uq_classification_dimensions_code",
        "classification_dimensions",
        ["code"],
        unique=True,
        postgresql_where=sa.text("delete_time IS NULL"),
    )
    op.create_table(
        "contacts",
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("salutation", sa.Text(), nullable=False),
        sa.Column("phones", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("emails", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("portal_subject", sa.Text(), nullable=False),
        sa.Column("language_code", sa.Text(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("search_pinyin", sa.Text(), nullable=False),
        sa.Column("search_initials", sa.Text(), nullable=False),
        sa.Column("search_phones", sa.Text(), nullable=False),
        sa.Column("search_bigrams", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("custom_fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
    )
    op.create_index("ix_contacts_create_time_id", "contacts", ["create_time", "id"], unique=False)
    op.create_index(op.f("ix_contacts_customer_id"), "contacts", ["customer_id"], unique=False)
    op.create_index(op.f("ix_contacts_department_id"), "contacts", ["department_id"], unique=False)
    op.create_index("ix_contacts_display_name_id", "contacts", ["display_name", "id"], unique=False)
    op.create_index(op.f("ix_contacts_owner_id"), "contacts", ["owner_id"], unique=False)
    op.create_index(op.f("ix_contacts_region_id"), "contacts", ["region_id"], unique=False)
    op.create_index(
        "ix_contacts_search_bigrams",
        "contacts",
        ["search_bigrams"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index(
        "ix_contacts_search_initials",
        "contacts",
        ["search_initials"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"search_initials": "gin_trgm_ops"},
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index(
        "ix_contacts_search_phones",
        "contacts",
        ["search_phones"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"search_phones": "gin_trgm_ops"},
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index(
        "ix_contacts_search_pinyin",
        "contacts",
        ["search_pinyin"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"search_pinyin": "gin_trgm_ops"},
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index(
        "ix_contacts_search_text",
        "contacts",
        ["search_text"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"search_text": "gin_trgm_ops"},
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index("ix_contacts_update_time_id", "contacts", ["update_time", "id"], unique=False)
    op.create_index(
        "uq_contacts_portal_subject",
        "contacts",
        ["portal_subject"],
        unique=True,
        postgresql_where=sa.text("portal_subject <> '' AND delete_time IS NULL"),
    )
    op.create_table(
        "customers",
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("key_account", sa.Boolean(), nullable=False),
        sa.Column("relationship_strategy", sa.Text(), nullable=False),
        sa.Column("lifecycle_stage", sa.Text(), nullable=False),
        sa.Column("lifecycle_stage_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("merged_into", sa.Text(), nullable=False),
        sa.Column("node_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("node_ancestor_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("tax_id", sa.Text(), nullable=False),
        sa.Column("phones", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("emails", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("website", sa.Text(), nullable=False),
        sa.Column("country_code", sa.Text(), nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("street_address", sa.Text(), nullable=False),
        sa.Column("postal_code", sa.Text(), nullable=False),
        sa.Column("employee_count", sa.Integer(), nullable=False),
        sa.Column("annual_revenue_amount", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("annual_revenue_currency", sa.Text(), nullable=False),
        sa.Column("credit_limit_amount", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("credit_limit_currency", sa.Text(), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=False),
        sa.Column("ancestor_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("search_pinyin", sa.Text(), nullable=False),
        sa.Column("search_initials", sa.Text(), nullable=False),
        sa.Column("search_phones", sa.Text(), nullable=False),
        sa.Column("search_bigrams", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("custom_fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
    )
    op.create_index(
        "ix_customers_ancestor_ids", "customers", ["ancestor_ids"], unique=False, postgresql_using="gin"
    )
    op.create_index("ix_customers_create_time_id", "customers", ["create_time", "id"], unique=False)
    op.create_index(op.f("ix_customers_department_id"), "customers", ["department_id"], unique=False)
    op.create_index("ix_customers_display_name_id", "customers", ["display_name", "id"], unique=False)
    op.create_index(op.f("ix_customers_group_id"), "customers", ["group_id"], unique=False)
    op.create_index(
        "ix_customers_lifecycle_stage_time_id", "customers", ["lifecycle_stage_time", "id"], unique=False
    )
    op.create_index(
        "ix_customers_node_ancestor_ids",
        "customers",
        ["node_ancestor_ids"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index("ix_customers_node_ids", "customers", ["node_ids"], unique=False, postgresql_using="gin")
    op.create_index(op.f("ix_customers_owner_id"), "customers", ["owner_id"], unique=False)
    op.create_index(op.f("ix_customers_parent_id"), "customers", ["parent_id"], unique=False)
    op.create_index(op.f("ix_customers_region_id"), "customers", ["region_id"], unique=False)
    op.create_index(
        "ix_customers_search_bigrams",
        "customers",
        ["search_bigrams"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index(
        "ix_customers_search_initials",
        "customers",
        ["search_initials"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"search_initials": "gin_trgm_ops"},
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index(
        "ix_customers_search_phones",
        "customers",
        ["search_phones"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"search_phones": "gin_trgm_ops"},
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index(
        "ix_customers_search_pinyin",
        "customers",
        ["search_pinyin"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"search_pinyin": "gin_trgm_ops"},
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index(
        "ix_customers_search_text",
        "customers",
        ["search_text"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"search_text": "gin_trgm_ops"},
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index("ix_customers_update_time_id", "customers", ["update_time", "id"], unique=False)
    op.create_index(
        "uq_customers_tax_id",
        "customers",
        ["tax_id"],
        unique=True,
        postgresql_where=sa.text("tax_id <> '' AND delete_time IS NULL AND status <> 'MERGED'"),
    )
    op.create_table(
        "departments",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=False),
        sa.Column("ancestor_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_departments")),
    )
    op.create_index(
        "ix_departments_ancestor_ids", "departments", ["ancestor_ids"], unique=False, postgresql_using="gin"
    )
    op.create_index(op.f("ix_departments_parent_id"), "departments", ["parent_id"], unique=False)
    op.create_index(
        "uq_departments_code",
        "departments",
        ["code"],
        unique=True,
        postgresql_where=sa.text("delete_time IS NULL"),
    )
    op.create_table(
        "regions",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=False),
        sa.Column("ancestor_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regions")),
    )
    op.create_index(
        "ix_regions_ancestor_ids", "regions", ["ancestor_ids"], unique=False, postgresql_using="gin"
    )
    op.create_index(op.f("ix_regions_parent_id"), "regions", ["parent_id"], unique=False)
    op.create_index(
        "uq_regions_code", "regions", ["code"], unique=True, postgresql_where=sa.text("delete_time IS NULL")
    )
    op.create_table(
        "staff",
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("manager_id", sa.Text(), nullable=False),
        sa.Column("mentor_id", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("scope_department_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("scope_region_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("full_scope", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("hire_date", sa.Date(), nullable=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
    )
    op.create_index(op.f("ix_staff_department_id"), "staff", ["department_id"], unique=False)
    op.create_index("ix_staff_display_name", "staff", ["display_name", "id"], unique=False)
    op.create_index(op.f("ix_staff_manager_id"), "staff", ["manager_id"], unique=False)
    op.create_index(op.f("ix_staff_mentor_id"), "staff", ["mentor_id"], unique=False)
    op.create_index(op.f("ix_staff_region_id"), "staff", ["region_id"], unique=False)
    op.create_index(
        "uq_staff_email", "staff", ["email"], unique=True, postgresql_where=sa.text("delete_time IS NULL")
    )
    op.create_table(
        "account_team_members",
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_account_team_members_customer_id")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_account_team_members_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_team_members")),
    )
    op.create_index(
        op.f("ix_account_team_members_staff_id"), "account_team_members", ["staff_id"], unique=False
    )
    op.create_index(
        "uq_account_team_members_customer_id_staff_id",
        "account_team_members",
        ["customer_id", "staff_id"],
        unique=True,
        postgresql_where=sa.text("delete_time IS NULL"),
    )
    op.create_table(
        "affiliations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("department_name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("primary", sa.Boolean(), nullable=False),
        sa.Column("in_force", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_affiliations_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affiliations")),
    )
    op.create_index(
        "ix_affiliations_contact_id_valid_from", "affiliations", ["contact_id", "valid_from"], unique=False
    )
    op.create_index(op.f("ix_affiliations_customer_id"), "affiliations", ["customer_id"], unique=False)
    op.create_table(
        "classification_nodes",
        sa.Column("dimension_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=False),
        sa.Column("ancestor_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["dimension_id"],
            ["classification_dimensions.id"],
            name=op.f("fk_classification_nodes_dimension_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_classification_nodes")),
    )
    op.create_index(
        "ix_classification_nodes_ancestor_ids",
        "classification_nodes",
        ["ancestor_ids"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index("ix_classification_nodes_code_id", "classification_nodes", ["code", "id"], unique=False)
    op.create_index(
        op.f("ix_classification_nodes_parent_id"), "classification_nodes", ["parent_id"], unique=False
    )
    op.create_index(
        "uq_classification_nodes_dimension_id_code",
        "classification_nodes",
        ["dimension_id", "code"],
        unique=True,
        postgresql_where=sa.text("delete_time IS NULL"),
    )
    op.create_table(
        "lifecycle_changes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("from_stage", sa.Text(), nullable=False),
        sa.Column("to_stage", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("change_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds_in_stage", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_lifecycle_changes_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lifecycle_changes")),
    )
    op.create_index(
        "ix_lifecycle_changes_customer_id_change_time",
        "lifecycle_changes",
        ["customer_id", "change_time", "id"],
        unique=False,
    )
    op.create_table(
        "customer_classifications",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("node_id", sa.Text(), nullable=False),
        sa.Column("dimension_id", sa.Text(), nullable=False),
        sa.Column("primary", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_customer_classifications_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["dimension_id"],
            ["classification_dimensions.id"],
            name=op.f("fk_customer_classifications_dimension_id"),
        ),
        sa.ForeignKeyConstraint(
            ["node_id"], ["classification_nodes.id"], name=op.f("fk_customer_classifications_node_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_classifications")),
    )
    op.create_index(
        "ix_customer_classifications_customer_id_valid_from",
        "customer_classifications",
        ["customer_id", "valid_from", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_customer_classifications_node_id"), "customer_classifications", ["node_id"], unique=False
    )
