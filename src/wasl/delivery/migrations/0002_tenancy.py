from typing import ClassVar

from django.db import migrations

from wasl.kit.tenancy import TenantTable


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("delivery", "0001_initial"),
        ("channels", "0002_tenancy"),
        ("customers", "0002_tenancy"),
    ]

    operations: ClassVar = [
        TenantTable(
            "Delivery", {"inbox_id": "channels_inbox", "customer_id": "customers_customer"}, queue=True
        ),
        TenantTable("Attempt", {"delivery_id": "delivery_delivery"}, queue=True),
        TenantTable("Receipt", {"delivery_id": "delivery_delivery"}, queue=True),
    ]
