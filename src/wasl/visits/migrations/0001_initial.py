import django.contrib.postgres.fields
import django.db.models.deletion
import wasl.kit.ids
import wasl.kit.tables
from django.db import migrations, models

from wasl.kit.tenancy import TenantTable


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('channels', '0005_hooks'),
        ('customers', '0004_orders'),
    ]

    operations = [
        migrations.CreateModel(
            name='Branch',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('address', models.TextField(default='', help_text='As it is written on a letter, a line each.')),
                ('country', models.CharField(default='', help_text='ISO 3166: where numbers without + belong.', max_length=2)),
                ('purposes', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, help_text='Which of `Purpose` are offered.', size=None)),
                ('kiosk', models.IntegerField(default=0)),
                ('kiosks_made', models.IntegerField(default=0, help_text='How many versions there were.')),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Day',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('day', models.DateField()),
                ('last', models.IntegerField(default=0)),
                ('branch', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='visits.branch')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('workspace_id', 'branch', 'day'), name='branch_day_once')],
            },
        ),
        migrations.CreateModel(
            name='Visit',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('message_id', models.UUIDField()),
                ('key', models.UUIDField()),
                ('day', models.DateField()),
                ('number', models.IntegerField()),
                ('purpose', models.CharField(choices=[('advice', 'Advice'), ('pickup', 'Pickup'), ('return', 'Return'), ('repair', 'Repair'), ('payment', 'Payment'), ('complaint', 'Complaint'), ('other', 'Other')], max_length=10)),
                ('via', models.CharField(choices=[('code', 'Code'), ('address', 'Address'), ('name', 'Name'), ('agent', 'Agent')], max_length=8)),
                ('language', models.CharField(default='', max_length=2)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('called', 'Called'), ('served', 'Served'), ('left', 'Left')], default='waiting', max_length=8)),
                ('counter', models.CharField(default='', max_length=20)),
                ('came_at', models.DateTimeField()),
                ('called_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('agent_id', models.UUIDField(help_text='Who called them.', null=True)),
                ('outcome', models.CharField(choices=[('done', 'Done'), ('follows', 'Follows'), ('elsewhere', 'Elsewhere'), ('nothing', 'Nothing')], default='', max_length=10)),
                ('note', models.TextField(default='', help_text='What the agent wrote of it.')),
                ('branch', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='visits.branch')),
                ('customer', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='customers.customer')),
            ],
            options={
                'indexes': [models.Index(fields=['workspace_id', 'customer', '-came_at'], name='visits_of_customer')],
                'constraints': [models.UniqueConstraint(fields=('workspace_id', 'branch', 'day', 'number'), name='visit_number_once'), models.UniqueConstraint(fields=('workspace_id', 'branch', 'key'), name='visit_key_once')],
            },
        ),
        TenantTable("Branch", {"id": "channels_inbox"}),
        TenantTable("Day", {"branch_id": "visits_branch"}),
        TenantTable("Visit", {"branch_id": "visits_branch", "customer_id": "customers_customer"}),
    ]
