from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

import wasl.kit.tables
from wasl.kit.ids import uuid7
from wasl.kit.tenancy import TenantTable


class Migration(migrations.Migration):
    dependencies: ClassVar = [("conversations", "0007_merged_index")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Fetching",
            fields=[
                ("id", models.UUIDField(default=uuid7, editable=False, primary_key=True, serialize=False)),
                ("workspace_id", models.UUIDField(editable=False)),
                ("position", models.SmallIntegerField(help_text="Which of the message's media (`meta`).")),
                ("tries", models.SmallIntegerField(default=0)),
                ("fence", models.IntegerField(default=0)),
                ("due_at", models.DateTimeField()),
                (
                    "message",
                    wasl.kit.tables.Ref(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="conversations.message",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["due_at"], name="fetching_due"),
                    models.Index(fields=["workspace_id", "message"], name="fetching_of_message"),
                ],
            },
        ),
        TenantTable("Fetching", {"message_id": "conversations_message"}, queue=True),
    ]
