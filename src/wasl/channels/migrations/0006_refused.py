from typing import ClassVar

from django.db import migrations, models

from wasl.kit.ids import uuid7
from wasl.kit.tenancy import TenantTable


class Migration(migrations.Migration):
    dependencies: ClassVar = [("channels", "0005_hooks")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Refused",
            fields=[
                ("id", models.UUIDField(default=uuid7, editable=False, primary_key=True, serialize=False)),
                ("workspace_id", models.UUIDField(editable=False)),
                ("count", models.BigIntegerField()),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
            ],
        ),
        TenantTable("Refused", {"id": "channels_inbox"}),
    ]
