"""Schema of the project service, with the tables that every service has."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from facet_kit.migrations.tables import create_kit_tables

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
    create_kit_tables()
    op.create_table(
        "contact_refs",
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_contact_refs")),
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
