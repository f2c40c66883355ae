from typing import ClassVar

from django.db import migrations, models

from wasl.kit.ids import uuid7
from wasl.kit.tenancy import TenantTable


class Migration(migrations.Migration):
    dependencies: ClassVar = [("intake", "0002_tenancy")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Awaiting",
            fields=[
                ("id", models.UUIDField(default=uuid7, editable=False, primary_key=True, serialize=False)),
                ("workspace_id", models.UUIDField(editable=False)),
                ("ref", models.TextField()),
                ("due_at", models.DateTimeField(help_text="When it is looked at again, whether or not somebody told of it.")),
            ],
            options={
                "indexes": [
                    models.Index(fields=["workspace_id", "ref"], name="awaiting_by_ref"),
                    models.Index(fields=["due_at"], name="awaiting_due"),
                ],
            },
        ),
        TenantTable("Awaiting", {"id": "intake_inbound"}, queue=True),
    ]
