from typing import ClassVar

from django.db import migrations, models

from wasl.kit.ids import uuid7
from wasl.kit.tenancy import TenantTable

# Which inboxes there are on these channels, in every workspace, and a mark that is another when settings are: no more
# than the queue role needs to know. The settings themselves are read in the inbox's own workspace.
INBOXES = """
CREATE FUNCTION wasl_listening(kinds text[])
RETURNS TABLE (workspace_id uuid, inbox_id uuid, channel text, mark text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT i.workspace_id, i.id, i.channel,
         md5(i.address || chr(10) || i.config::text || chr(10) || coalesce(encode(i.secret, 'hex'), ''))
  FROM channels_inbox i WHERE i.channel = ANY (kinds) AND i.is_active
$$;
REVOKE ALL ON FUNCTION wasl_listening(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wasl_listening(text[]) TO wasl_queue;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("intake", "0003_awaiting"), ("channels", "0005_hooks")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Listening",
            fields=[
                ("id", models.UUIDField(default=uuid7, editable=False, primary_key=True, serialize=False)),
                ("workspace_id", models.UUIDField(editable=False)),
                ("held_by", models.UUIDField(null=True)),
                ("held_until", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField()),
                ("mark", models.TextField(default="")),
                ("failures", models.IntegerField(default=0)),
                ("problem", models.TextField(default="")),
                ("detail", models.TextField(default="")),
                ("problem_since", models.DateTimeField(null=True)),
                (
                    "well_at",
                    models.DateTimeField(help_text="When the connection was last known to work.", null=True),
                ),
                ("taken_at", models.DateTimeField(null=True)),
                ("taken", models.BigIntegerField(default=0)),
            ],
        ),
        TenantTable("Listening", {"id": "channels_inbox"}, queue=True),
        migrations.RunSQL(INBOXES, "DROP FUNCTION wasl_listening(text[])"),
    ]
