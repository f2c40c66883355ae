from typing import ClassVar

from django.db import migrations, models

import wasl.kit.ids
from wasl.kit.tenancy import TenantTable

# As in 0002, and by the address that an inbox has for forwarded mail: a random name, under whatever host.
INBOXES = """
CREATE OR REPLACE FUNCTION wasl_inboxes_at(kind text, wanted text)
RETURNS TABLE (workspace_id uuid, inbox_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT i.workspace_id, i.id
  FROM channels_inbox i
  WHERE i.channel = kind AND i.is_active
    AND (i.address = wanted OR (i.forward <> '' AND i.forward = split_part(wanted, '@', 1)))
  LIMIT 10
$$
"""
BEFORE = INBOXES.replace(
    "(i.address = wanted OR (i.forward <> '' AND i.forward = split_part(wanted, '@', 1)))",
    "i.address = wanted",
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("channels", "0003_calendar_and_links"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Mailbox",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("workspace_id", models.UUIDField(editable=False)),
                ("is_active", models.BooleanField(default=True)),
                ("due_at", models.DateTimeField()),
                ("held_by", models.UUIDField(null=True)),
                ("held_until", models.DateTimeField(null=True)),
                ("uidvalidity", models.BigIntegerField(default=0)),
                ("last_uid", models.BigIntegerField(default=0)),
                ("highest_uid", models.BigIntegerField(default=0)),
                ("since", models.DateTimeField()),
                ("stuck_uid", models.BigIntegerField(default=0)),
                ("stuck_tries", models.IntegerField(default=0)),
                ("failures", models.IntegerField(default=0)),
                ("problem", models.TextField(default="")),
                ("detail", models.TextField(default="")),
                ("problem_since", models.DateTimeField(null=True)),
                ("checked_at", models.DateTimeField(null=True)),
                ("fetched_at", models.DateTimeField(null=True)),
                ("fetched", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.AddField(
            model_name="inbox",
            name="incoming_secret",
            field=models.BinaryField(null=True),
        ),
        migrations.AddField(
            model_name="inbox",
            name="forward",
            field=models.TextField(default=""),
        ),
        migrations.AddIndex(
            model_name="inbox",
            index=models.Index(
                condition=models.Q(("forward", ""), _negated=True),
                fields=["forward"],
                name="inbox_by_forward",
            ),
        ),
        migrations.AddIndex(
            model_name="mailbox",
            index=models.Index(
                condition=models.Q(("is_active", True)), fields=["due_at"], name="mailbox_due"
            ),
        ),
        TenantTable("Mailbox", {"id": "channels_inbox"}, queue=True),
        migrations.RunSQL(INBOXES, BEFORE),
    ]
