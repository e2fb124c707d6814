"""Schema of the project service, with the tables that every service has."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# A submitted round keeps what was scored, a decided one everything: the database enforces it besides the code.
_FROZEN_ROUNDS = """
CREATE FUNCTION keep_gate_round() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.state <> 'SUBMITTED' THEN
    RAISE EXCEPTION 'gate round % of project % is %: it never changes', OLD.round, OLD.project_id, OLD.state
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_gate_rounds_frozen', TABLE = 'gate_rounds';
  END IF;
  IF (NEW.project_id, NEW.round, NEW.criteria, NEW.scores, NEW.weighted_score, NEW.threshold)
     IS DISTINCT FROM (OLD.project_id, OLD.round, OLD.criteria, OLD.scores, OLD.weighted_score, OLD.threshold)
     OR (NEW.owner_id, NEW.submitted_by) IS DISTINCT FROM (OLD.owner_id, OLD.submitted_by)
  THEN
    RAISE EXCEPTION 'what gate round % of project % scored never changes', OLD.round, OLD.project_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_gate_rounds_frozen', TABLE = 'gate_rounds';
  END IF;
  RETURN NEW;
END $$;
"""


def upgrade() -> None:
    op.create_table(
        "aggregate_cursors",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("handler", sa.Text(), nullable=False),
        sa.Column("aggregate", sa.Text(), nullable=False),
        sa.Column("aggregate_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "consumer", "handler", "aggregate", "aggregate_id", name=op.f("pk_aggregate_cursors")
        ),
    )
    op.create_table(
        "audit_entries",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("principal_id", sa.Text(), nullable=False),
        sa.Column("principal_kind", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("prev_hash", sa.Text(), nullable=True),
        sa.Column("hash", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_entries")),
        sa.UniqueConstraint("id", name=op.f("uq_audit_entries_id")),
        sa.UniqueConstraint("position", name=op.f("uq_audit_entries_position")),
    )
    op.create_index(op.f("ix_audit_entries_create_time"), "audit_entries", ["create_time"], unique=False)
    op.create_index(op.f("ix_audit_entries_person_id"), "audit_entries", ["person_id"], unique=False)
    op.create_index(
        "ix_audit_entries_resource", "audit_entries", ["resource", "resource_id", "seq"], unique=False
    )
    op.create_index(
        "ix_audit_entries_unsealed",
        "audit_entries",
        ["seq"],
        unique=False,
        postgresql_where=sa.text("position IS NULL"),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "consumers",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "stream", name=op.f("pk_consumers")),
    )
    op.create_table(
        "contact_refs",
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_contact_refs")),
    )
    op.create_table(
        "custom_field_definitions",
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("choices", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("min_value", sa.Float(precision=53), nullable=True),
        sa.Column("max_value", sa.Float(precision=53), nullable=True),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("max_length", sa.Integer(), nullable=False),
        sa.Column("visible_roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("inactive", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_field_definitions")),
    )
    op.create_index(
        "uq_custom_field_definitions_name",
        "custom_field_definitions",
        ["resource", "name"],
        unique=True,
        postgresql_where=sa.text("delete_time IS NULL"),
    )
    op.create_table(
        "customer_ref",
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("group_id", sa.Text(), nullable=False),
        sa.Column("ancestor_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("key_account", sa.Boolean(), nullable=False),
        sa.Column("relationship_strategy", sa.Text(), nullable=False),
        sa.Column("lifecycle_stage", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("merged_into", sa.Text(), nullable=False),
        sa.Column("node_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer_ref")),
    )
    op.create_index(
        "ix_customer_ref_ancestor_ids", "customer_ref", ["ancestor_ids"], unique=False, postgresql_using="gin"
    )
    op.create_index(op.f("ix_customer_ref_department_id"), "customer_ref", ["department_id"], unique=False)
    op.create_index(op.f("ix_customer_ref_group_id"), "customer_ref", ["group_id"], unique=False)
    op.create_index(
        "ix_customer_ref_node_ids", "customer_ref", ["node_ids"], unique=False, postgresql_using="gin"
    )
    op.create_index(op.f("ix_customer_ref_owner_id"), "customer_ref", ["owner_id"], unique=False)
    op.create_index(op.f("ix_customer_ref_region_id"), "customer_ref", ["region_id"], unique=False)
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("aggregate", sa.Text(), nullable=False),
        sa.Column("aggregate_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replay_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letters")),
        sa.UniqueConstraint("consumer", "event_id", name=op.f("uq_dead_letters_consumer_event_id")),
    )
    op.create_index(
        "ix_dead_letters_open",
        "dead_letters",
        ["consumer", "aggregate", "aggregate_id"],
        unique=False,
        postgresql_where=sa.text("state = 'OPEN'"),
    )
    op.create_table(
        "gate_definitions",
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("criteria", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate_definitions")),
    )
    op.create_index(
        "ix_gate_definitions_create_time", "gate_definitions", ["create_time", "id"], unique=False
    )
    op.create_index(
        "ix_gate_definitions_one_default",
        "gate_definitions",
        ["is_default"],
        unique=True,
        postgresql_where=sa.text("is_default AND delete_time IS NULL"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("principal_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("principal_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(
        op.f("ix_idempotency_keys_create_time"), "idempotency_keys", ["create_time"], unique=False
    )
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id", name=op.f("pk_inbox")),
    )
    op.create_index(op.f("ix_inbox_time"), "inbox", ["time"], unique=False)
    op.create_table(
        "operations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done_count", sa.BigInteger(), nullable=False),
        sa.Column("total_count", sa.BigInteger(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("result", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("error_reason", sa.Text(), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.Column("principal_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations")),
    )
    op.create_table(
        "org_ref",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ancestor_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_org_ref")),
    )
    op.create_index(
        "ix_org_ref_ancestor_ids", "org_ref", ["ancestor_ids"], unique=False, postgresql_using="gin"
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("aggregate", sa.Text(), nullable=False),
        sa.Column("aggregate_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deliver_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("timer_key", sa.Text(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stream_created", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stream_seq", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("timer_key", name=op.f("uq_outbox_timer_key")),
    )
    op.create_index(
        "ix_outbox_published",
        "outbox",
        ["published_at"],
        unique=False,
        postgresql_where=sa.text("published_at IS NOT NULL"),
    )
    op.create_index(
        "ix_outbox_ready",
        "outbox",
        ["seq"],
        unique=False,
        postgresql_where=sa.text("published_at IS NULL AND deliver_at IS NULL"),
    )
    op.create_index(
        "ix_outbox_timers",
        "outbox",
        ["deliver_at", "seq"],
        unique=False,
        postgresql_where=sa.text("published_at IS NULL AND deliver_at IS NOT NULL"),
    )
    op.create_table(
        "parked_events",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("aggregate", sa.Text(), nullable=False),
        sa.Column("aggregate_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id", name=op.f("pk_parked_events")),
    )
    op.create_index(
        "ix_parked_events_aggregate",
        "parked_events",
        ["consumer", "aggregate", "aggregate_id", "version"],
        unique=False,
    )
    op.create_index("ix_parked_events_retry_at", "parked_events", ["consumer", "retry_at"], unique=False)
    op.create_table(
        "project_summaries",
        sa.Column("open_count", sa.Integer(), nullable=False),
        sa.Column("open_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("won_count", sa.Integer(), nullable=False),
        sa.Column("lost_count", sa.Integer(), nullable=False),
        sa.Column("running_count", sa.Integer(), nullable=False),
        sa.Column("seat_count", sa.Integer(), nullable=False),
        sa.Column("vacant_count", sa.Integer(), nullable=False),
        sa.Column("blocker_count", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "customer_id", "department_id", "region_id", name=op.f("pk_project_summaries")
        ),
    )
    op.create_table(
        "projects",
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("expected_revenue_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("expected_close_date", sa.Date(), nullable=True),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("opportunity_id", sa.Text(), nullable=False),
        sa.Column("gate_round", sa.Integer(), nullable=False),
        sa.Column("gate_score", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("gate_reevaluation_due", sa.Boolean(), nullable=False),
        sa.Column("gate_changed_facts", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("lost_reason", sa.Text(), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom_fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
    )
    op.create_index("ix_projects_create_time", "projects", ["create_time", "id"], unique=False)
    op.create_index(
        "ix_projects_custom_fields", "projects", ["custom_fields"], unique=False, postgresql_using="gin"
    )
    op.create_index(
        "ix_projects_customer_id",
        "projects",
        ["customer_id", "state", "expected_revenue_amount"],
        unique=False,
    )
    op.create_index("ix_projects_department_id", "projects", ["department_id"], unique=False)
    op.create_index("ix_projects_display_name", "projects", ["display_name", "id"], unique=False)
    op.create_index(
        "ix_projects_expected_close_date", "projects", ["expected_close_date", "id"], unique=False
    )
    op.create_index(
        "ix_projects_expected_revenue", "projects", ["expected_revenue_amount", "id"], unique=False
    )
    op.create_index("ix_projects_owner_id", "projects", ["owner_id"], unique=False)
    op.create_index("ix_projects_region_id", "projects", ["region_id"], unique=False)
    op.create_index("ix_projects_update_time", "projects", ["update_time", "id"], unique=False)
    op.create_table(
        "staff_ref",
        sa.Column("staff_id", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("manager_id", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_staff_ref")),
    )
    op.create_table(
        "team_ref",
        sa.Column("staff_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("staff_id", "customer_id", name=op.f("pk_team_ref")),
    )
    op.create_index(op.f("ix_team_ref_customer_id"), "team_ref", ["customer_id"], unique=False)
    op.create_table(
        "decision_nodes",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("project_owner_id", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("contact_name", sa.Text(), nullable=False),
        sa.Column("contact_title", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("decision_scope", sa.Text(), nullable=False),
        sa.Column("influence_weight", sa.Integer(), nullable=False),
        sa.Column("stance", sa.Text(), nullable=False),
        sa.Column("relationship_strength", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("next_contact_date", sa.Date(), nullable=True),
        sa.Column("vacant", sa.Boolean(), nullable=False),
        sa.Column("former_contact_id", sa.Text(), nullable=False),
        sa.Column("vacant_since", sa.Date(), nullable=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "influence_weight BETWEEN 0 AND 100", name=op.f("ck_decision_nodes_influence_weight")
        ),
        sa.CheckConstraint(
            "relationship_strength BETWEEN 0 AND 5", name=op.f("ck_decision_nodes_relationship_strength")
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_decision_nodes_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_nodes")),
    )
    op.create_index(
        "ix_decision_nodes_contact_id",
        "decision_nodes",
        ["contact_id"],
        unique=False,
        postgresql_where=sa.text("contact_id <> ''"),
    )
    op.create_index("ix_decision_nodes_create_time", "decision_nodes", ["create_time", "id"], unique=False)
    op.create_index(
        "ix_decision_nodes_customer_id", "decision_nodes", ["customer_id", "influence_weight"], unique=False
    )
    op.create_index(
        "ix_decision_nodes_influence_weight", "decision_nodes", ["influence_weight", "id"], unique=False
    )
    op.create_index(
        "ix_decision_nodes_next_contact_date", "decision_nodes", ["next_contact_date", "id"], unique=False
    )
    op.create_index("ix_decision_nodes_owner_id", "decision_nodes", ["owner_id"], unique=False)
    op.create_index("ix_decision_nodes_parent_id", "decision_nodes", ["parent_id"], unique=False)
    op.create_index("ix_decision_nodes_project_id", "decision_nodes", ["project_id"], unique=False)
    op.create_index(
        "ix_decision_nodes_project_owner_id", "decision_nodes", ["project_owner_id"], unique=False
    )
    op.create_table(
        "decision_tree_history",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("node_id", sa.Text(), nullable=False),
        sa.Column("revision_from", sa.Integer(), nullable=False),
        sa.Column("revision_to", sa.Integer(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_decision_tree_history_project_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_tree_history")),
    )
    op.create_index(
        "ix_decision_tree_history_open",
        "decision_tree_history",
        ["project_id", "node_id"],
        unique=False,
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_index(
        "ix_decision_tree_history_tree",
        "decision_tree_history",
        ["project_id", "revision_from"],
        unique=False,
    )
    op.create_table(
        "decision_trees",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("project_owner_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("required_roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("coverage_percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("weighted_support", sa.Numeric(precision=5, scale=4), nullable=False),
        sa.Column("single_thread_risk", sa.Boolean(), nullable=False),
        sa.Column("seat_count", sa.Integer(), nullable=False),
        sa.Column("vacant_count", sa.Integer(), nullable=False),
        sa.Column("blocker_count", sa.Integer(), nullable=False),
        sa.Column("missing_role_count", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_decision_trees_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_trees")),
    )
    op.create_index("ix_decision_trees_customer_id", "decision_trees", ["customer_id"], unique=False)
    op.create_index("ix_decision_trees_owner_id", "decision_trees", ["project_owner_id"], unique=False)
    op.create_index("uq_decision_trees_project_id", "decision_trees", ["project_id"], unique=True)
    op.create_table(
        "gate_rounds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("gate_definition_id", sa.Text(), nullable=False),
        sa.Column("criteria", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("scores", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("weighted_score", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("expected_revenue_amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("expected_close_date", sa.Date(), nullable=True),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("submitted_by", sa.Text(), nullable=False),
        sa.Column("submit_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decide_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_comment", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_gate_rounds_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate_rounds")),
    )
    op.create_index("uq_gate_rounds_project_id_round", "gate_rounds", ["project_id", "round"], unique=True)
    op.create_table(
        "milestones",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("department_id", sa.Text(), nullable=False),
        sa.Column("region_id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("exit_criteria", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("required_roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("overrun_noted", sa.Boolean(), nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.Column("close_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_seq", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_milestones_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestones")),
    )
    op.create_index("ix_milestones_create_time", "milestones", ["create_time", "id"], unique=False)
    op.create_index("ix_milestones_customer_id", "milestones", ["customer_id"], unique=False)
    op.create_index("ix_milestones_due_date", "milestones", ["due_date", "id"], unique=False)
    op.create_index("ix_milestones_owner_id", "milestones", ["owner_id"], unique=False)
    op.create_index("ix_milestones_position", "milestones", ["position", "id"], unique=False)
    op.create_index("ix_milestones_project_id", "milestones", ["project_id", "position"], unique=False)
    op.execute(_FROZEN_ROUNDS)
    op.execute(
        "CREATE TRIGGER keep_gate_round BEFORE UPDATE OR DELETE ON gate_rounds "
        "FOR EACH ROW EXECUTE FUNCTION keep_gate_round()"
    )
