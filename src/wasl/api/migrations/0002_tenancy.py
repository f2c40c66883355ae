from typing import ClassVar

from django.db import migrations

from wasl.kit.tenancy import TenantTable


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("api", "0001_initial"),
    ]

    operations: ClassVar = [
        TenantTable("Idempotency"),
    ]
