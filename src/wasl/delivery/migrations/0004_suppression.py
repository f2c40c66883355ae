from typing import ClassVar

from django.db import migrations, models

import wasl.kit.ids
from wasl.kit.tenancy import TenantTable


class Migration(migrations.Migration):
    dependencies: ClassVar = [("delivery", "0003_refs")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="Suppression",
            fields=[
                ("id", models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("workspace_id", models.UUIDField(editable=False)),
                ("channel", models.TextField()),
                ("address", models.TextField(help_text="As identities of the channel are compared.")),
                ("at", models.DateTimeField()),
                ("why", models.TextField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("workspace_id", "channel", "address"), name="suppressed_once")
                ],
            },
        ),
        TenantTable("Suppression", queue=True),
    ]
