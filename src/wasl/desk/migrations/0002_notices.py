import django.db.models.deletion
import wasl.kit.ids
import wasl.kit.tables
from django.db import migrations, models

from wasl.kit.tenancy import TenantTable


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_people'),
        ('conversations', '0006_search'),
        ('desk', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Telling',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('ways', models.JSONField(default=dict, help_text='{kind: [page, push, mail]}')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Due',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('push_at', models.DateTimeField(null=True)),
                ('mail_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['push_at'], name='due_push'), models.Index(fields=['mail_at'], name='due_mail')],
            },
        ),
        migrations.CreateModel(
            name='Device',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('endpoint', models.TextField()),
                ('key', models.BinaryField(help_text="p256dh: the browser's public key (RFC 8291).")),
                ('auth', models.BinaryField(help_text="The browser's authentication secret.")),
                ('label', models.CharField(default='', max_length=80)),
                ('created_at', models.DateTimeField()),
                ('agent', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.agent')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('workspace_id', 'agent', 'endpoint'), name='device_once')],
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('kind', models.CharField(max_length=12)),
                ('at', models.DateTimeField()),
                ('times', models.IntegerField(default=1)),
                ('seen_at', models.DateTimeField(null=True)),
                ('pushed_at', models.DateTimeField(help_text="When it was last sent to the agent's devices.", null=True)),
                ('mailed_at', models.DateTimeField(help_text='When a digest told of it.', null=True)),
                ('agent', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.agent')),
                ('conversation', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='conversations.conversation')),
            ],
            options={
                'indexes': [models.Index(fields=['workspace_id', 'agent', '-at'], name='notices_of_agent'), models.Index(condition=models.Q(('seen_at__isnull', True)), fields=['workspace_id', 'agent'], name='notices_unseen')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('seen_at__isnull', True)), fields=('workspace_id', 'agent', 'kind', 'conversation'), name='notice_unseen_once')],
            },
        ),
        TenantTable("Notice", {"agent_id": "accounts_agent", "conversation_id": "conversations_conversation"}),
        TenantTable("Telling", {"id": "accounts_agent"}),
        TenantTable("Device", {"agent_id": "accounts_agent"}),
        TenantTable("Due", {"id": "accounts_agent"}, queue=True),
    ]
