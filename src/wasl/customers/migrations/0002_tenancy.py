from typing import ClassVar

from django.db import migrations

from wasl.kit.tenancy import TenantTable, foreign_key


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("customers", "0001_initial"),
        ("timeline", "0002_tenancy"),
    ]

    operations: ClassVar = [
        TenantTable("Customer", {"merged_into_id": "customers_customer", "root_id": "customers_customer"}),
        TenantTable("Identity", {"customer_id": "customers_customer"}),
        TenantTable("Merge", {"kept_id": "customers_customer", "merged_id": "customers_customer"}),
        TenantTable("CustomerSummary", {"id": "customers_customer"}),
        migrations.RunSQL(
            foreign_key("timeline_touchpoint", "customer_id", "customers_customer"), migrations.RunSQL.noop
        ),
        migrations.RunSQL(
            foreign_key("timeline_subjectkey", "customer_id", "customers_customer"), migrations.RunSQL.noop
        ),
    ]
