import django.db.models.deletion
import wasl.kit.ids
import wasl.kit.tables
from django.db import migrations, models

from wasl.kit.tenancy import TenantTable


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0003_people_are_found'),
    ]

    operations = [
        migrations.CreateModel(
            name='Order',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('number', models.TextField()),
                ('folded', models.TextField()),
                ('status', models.CharField(choices=[('placed', 'Placed'), ('paid', 'Paid'), ('packed', 'Packed'), ('sent', 'Sent'), ('delivered', 'Delivered'), ('cancelled', 'Cancelled'), ('returned', 'Returned'), ('refunded', 'Refunded')], max_length=10)),
                ('amount', models.BigIntegerField(help_text="In the currency's smallest unit (ISO 4217).", null=True)),
                ('currency', models.CharField(default='', max_length=3)),
                ('items', models.JSONField(default=list, help_text='[{name, quantity}], as the shop says.')),
                ('link', models.TextField(default='', help_text='Its page in the shop, for agents.')),
                ('tracking', models.JSONField(default=dict, help_text='carrier, number, link.')),
                ('placed_at', models.DateTimeField()),
                ('changed_at', models.DateTimeField(help_text='What the shop said when it last changed.')),
                ('customer', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='customers.customer')),
            ],
            options={
                'indexes': [models.Index(fields=['workspace_id', 'customer', '-placed_at'], name='orders_of_customer'), models.Index(fields=['workspace_id', 'folded'], name='order_by_folded')],
                'constraints': [models.UniqueConstraint(fields=('workspace_id', 'number'), name='order_once')],
            },
        ),
        TenantTable("Order", {"customer_id": "customers_customer"}),
    ]
