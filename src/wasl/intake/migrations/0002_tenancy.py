from typing import ClassVar

from django.db import migrations

from wasl.kit.tenancy import TenantTable


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("intake", "0001_initial"),
    ]

    operations: ClassVar = [
        TenantTable("Inbound", queue=True),
        TenantTable("InboundQueue", key=("id", "workspace_id"), queue=True),
        TenantTable("Quarantine", {"id": "intake_inbound"}),
    ]
