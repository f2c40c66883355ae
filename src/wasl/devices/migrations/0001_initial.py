import django.db.models.deletion
import wasl.kit.ids
import wasl.kit.tables
from django.db import migrations, models

from wasl.kit.tenancy import TenantTable


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('channels', '0006_refused'),
        ('customers', '0006_points'),
    ]

    operations = [
        migrations.CreateModel(
            name='Device',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('kind', models.CharField(max_length=4)),
                ('digest', models.BinaryField()),
                ('target', models.BinaryField(null=True)),
                ('label', models.TextField(default='')),
                ('language', models.CharField(default='', max_length=2)),
                ('created_at', models.DateTimeField()),
                ('seen_at', models.DateTimeField()),
                ('rung_at', models.DateTimeField(null=True)),
                ('trouble', models.TextField(default='')),
                ('ended_at', models.DateTimeField(null=True)),
                ('why', models.TextField(default='', help_text='channels.app.ring.Why')),
                ('customer', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='customers.customer')),
                ('identity', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='customers.identity')),
                ('inbox', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='channels.inbox')),
            ],
        ),
        migrations.CreateModel(
            name='Push',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('delivery_id', models.UUIDField()),
                ('due_at', models.DateTimeField()),
                ('until', models.DateTimeField(help_text='After which nobody wants to hear of it any more.')),
                ('attempts', models.IntegerField(default=0)),
                ('device', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='devices.device')),
            ],
        ),
        migrations.AddIndex(
            model_name='device',
            index=models.Index(fields=['workspace_id', 'identity'], name='devices_of_account'),
        ),
        migrations.AddIndex(
            model_name='device',
            index=models.Index(fields=['workspace_id', 'customer'], name='devices_of_customer'),
        ),
        migrations.AddConstraint(
            model_name='device',
            constraint=models.UniqueConstraint(fields=('workspace_id', 'inbox', 'digest'), name='customer_device_once'),
        ),
        migrations.AddIndex(
            model_name='push',
            index=models.Index(fields=['due_at', 'id'], name='push_waiting'),
        ),
        migrations.AddConstraint(
            model_name='push',
            constraint=models.UniqueConstraint(fields=('workspace_id', 'device', 'delivery_id'), name='push_once'),
        ),
        TenantTable(
            "Device",
            {
                "customer_id": "customers_customer",
                "identity_id": "customers_identity",
                "inbox_id": "channels_inbox",
            },
        ),
        TenantTable("Push", {"device_id": "devices_device"}, queue=True),
    ]
