import django.contrib.postgres.fields
import django.db.models.deletion
import wasl.kit.ids
import wasl.kit.tables
from django.db import migrations, models

from wasl.kit.tenancy import TenantTable


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Endpoint',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('url', models.TextField()),
                ('description', models.CharField(default='', max_length=200)),
                ('kinds', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)),
                ('secret', models.BinaryField()),
                ('old_secret', models.BinaryField(null=True)),
                ('old_until', models.DateTimeField(null=True)),
                ('is_active', models.BooleanField(default=True)),
                ('off_at', models.DateTimeField(null=True)),
                ('off_why', models.CharField(default='', max_length=10)),
                ('failing_since', models.DateTimeField(null=True)),
                ('succeeded_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['workspace_id', 'created_at'], name='endpoint_by_age')],
            },
        ),
        migrations.CreateModel(
            name='Call',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('kind', models.TextField()),
                ('event_id', models.UUIDField()),
                ('customer_id', models.UUIDField(null=True)),
                ('occurred_at', models.DateTimeField()),
                ('created_at', models.DateTimeField()),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('calling', 'Calling'), ('done', 'Done'), ('failed', 'Failed'), ('stopped', 'Stopped')], default='waiting', max_length=8)),
                ('due_at', models.DateTimeField()),
                ('tries', models.IntegerField(default=0, help_text='Since it was last asked for.')),
                ('fence', models.BigIntegerField(default=0)),
                ('ended_at', models.DateTimeField(null=True)),
                ('status', models.SmallIntegerField(help_text='HTTP status of the last answer.', null=True)),
                ('why', models.TextField(default='', help_text='Why the last try failed: outcome.Why.')),
                ('endpoint', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='webhooks.endpoint')),
            ],
        ),
        migrations.CreateModel(
            name='Try',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('at', models.DateTimeField()),
                ('seconds', models.FloatField(default=0)),
                ('status', models.SmallIntegerField(null=True)),
                ('why', models.TextField(default='')),
                ('answer', models.TextField(default='')),
                ('call', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='webhooks.call')),
            ],
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(condition=models.Q(('state', 'waiting')), fields=['workspace_id', 'endpoint', 'due_at', 'id'], name='call_waiting'),
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(condition=models.Q(('state', 'calling')), fields=['due_at'], name='call_held'),
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(fields=['workspace_id', 'endpoint', '-created_at', '-id'], name='calls_latest'),
        ),
        migrations.AddIndex(
            model_name='call',
            index=models.Index(fields=['created_at'], name='calls_by_age'),
        ),
        migrations.AddConstraint(
            model_name='call',
            constraint=models.UniqueConstraint(fields=('workspace_id', 'endpoint', 'event_id', 'kind'), name='call_once'),
        ),
        migrations.AddIndex(
            model_name='try',
            index=models.Index(fields=['workspace_id', 'call', 'at'], name='tries_of_call'),
        ),
        TenantTable("Endpoint"),
        TenantTable("Call", {"endpoint_id": "webhooks_endpoint"}, queue=True),
        TenantTable("Try", {"call_id": "webhooks_call"}),
    ]
