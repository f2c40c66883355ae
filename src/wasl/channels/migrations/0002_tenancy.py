from typing import ClassVar

from django.db import migrations

from wasl.kit.tenancy import TenantTable

# A door knows an address before it knows a workspace. Runs as the owner, answers about one address only.
INBOXES = """
CREATE FUNCTION wasl_inboxes_at(kind text, wanted text)
RETURNS TABLE (workspace_id uuid, inbox_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT i.workspace_id, i.id
  FROM channels_inbox i
  WHERE i.channel = kind AND i.address = wanted AND i.is_active
  LIMIT 10
$$;
REVOKE ALL ON FUNCTION wasl_inboxes_at(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wasl_inboxes_at(text, text) TO wasl_app;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("channels", "0001_initial"),
        ("accounts", "0002_tenancy"),
    ]

    operations: ClassVar = [
        TenantTable("Inbox"),
        TenantTable("InboxTeam", {"inbox_id": "channels_inbox", "team_id": "accounts_team"}),
        migrations.RunSQL(INBOXES, "DROP FUNCTION wasl_inboxes_at(text, text)"),
    ]
