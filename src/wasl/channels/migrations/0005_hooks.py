from typing import ClassVar

from django.db import migrations

# A webhook's address names an inbox; what it brings may be for another one of the same account and workspace.
HOOK = """
CREATE FUNCTION wasl_hook_inboxes(kind text, wanted uuid)
RETURNS TABLE (workspace_id uuid, inbox_id uuid, address text, config jsonb, secret bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT s.workspace_id, s.id, s.address, s.config, s.secret
  FROM channels_inbox i
  JOIN channels_inbox s ON s.workspace_id = i.workspace_id AND s.channel = i.channel AND s.is_active
  WHERE i.id = wanted AND i.channel = kind AND i.is_active
  ORDER BY s.id = wanted DESC, s.id LIMIT 200
$$;
REVOKE ALL ON FUNCTION wasl_hook_inboxes(text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wasl_hook_inboxes(text, uuid) TO wasl_app;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("channels", "0004_mailboxes")]

    operations: ClassVar = [
        migrations.RunSQL(HOOK, "DROP FUNCTION wasl_hook_inboxes(text, uuid)"),
    ]
