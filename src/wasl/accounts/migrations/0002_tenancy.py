from typing import ClassVar

from django.db import migrations

from wasl.kit.tenancy import SharedTable, TenantTable

# The two questions that must be asked before a workspace is known. They run as the owner, answer about one
# user or one token only, and are all that the application may ask across workspaces.
MEMBERSHIPS = """
CREATE FUNCTION wasl_memberships(who uuid)
RETURNS TABLE (workspace_id uuid, slug text, workspace_name text, agent_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT w.id, w.slug, w.name, a.id
  FROM accounts_agent a JOIN accounts_workspace w ON w.id = a.workspace_id
  WHERE a.user_id = who AND a.is_active
  ORDER BY w.name, w.id
  LIMIT 100
$$;
REVOKE ALL ON FUNCTION wasl_memberships(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wasl_memberships(uuid) TO wasl_app;
"""

PRESENTED = """
CREATE FUNCTION wasl_token(presented bytea)
RETURNS TABLE (workspace_id uuid, token_id uuid, role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT t.workspace_id, t.id, t.role
  FROM accounts_apitoken t
  WHERE t.digest = presented AND t.revoked_at IS NULL
$$;
REVOKE ALL ON FUNCTION wasl_token(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wasl_token(bytea) TO wasl_app;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("accounts", "0001_initial"),
    ]

    operations: ClassVar = [
        TenantTable("Workspace", key=("id",), column="id"),
        TenantTable("Agent"),
        TenantTable("Team"),
        TenantTable("TeamMember", {"team_id": "accounts_team", "agent_id": "accounts_agent"}),
        TenantTable("ApiToken"),
        SharedTable("accounts_user"),
        migrations.RunSQL(MEMBERSHIPS, "DROP FUNCTION wasl_memberships(uuid)"),
        migrations.RunSQL(PRESENTED, "DROP FUNCTION wasl_token(bytea)"),
    ]
