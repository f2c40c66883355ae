import django.contrib.postgres.fields
import django.db.models.deletion
import wasl.kit.ids
import wasl.kit.tables
from django.db import migrations, models

from wasl.kit.tenancy import TenantTable, foreign_key


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0003_the_agents_day'),
    ]

    operations = [
        migrations.CreateModel(
            name='Bulk',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('at', models.DateTimeField()),
                ('change', models.JSONField(default=dict, help_text='What each is to become; see `bulk.Change`.')),
                ('undone_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='BulkRow',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('state', models.CharField(default='waiting', max_length=8)),
                ('before', models.JSONField(default=dict)),
                ('after', models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name='Regrouping',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('kind', models.CharField(max_length=5)),
                ('at', models.DateTimeField()),
                ('messages', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                ('was', models.JSONField(default=dict)),
                ('undone_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='conversation',
            name='split_from',
            field=wasl.kit.tables.Ref(db_constraint=False, db_index=False, help_text='Where its first messages were before they got a conversation.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='conversations.conversation'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(fields=['workspace_id', '-last_at'], name='conversation_latest'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(fields=['workspace_id', 'inbox', 'status', '-last_at'], name='conversation_inbox'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(fields=['workspace_id', 'language', 'status', '-last_at'], name='conversation_lang'),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(condition=models.Q(('team__isnull', False)), fields=['workspace_id', 'team', 'status', '-last_at'], name='conversation_team'),
        ),
        migrations.AddField(
            model_name='bulk',
            name='agent',
            field=wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.agent'),
        ),
        migrations.AddField(
            model_name='bulkrow',
            name='bulk',
            field=wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='conversations.bulk'),
        ),
        migrations.AddField(
            model_name='bulkrow',
            name='conversation',
            field=wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='conversations.conversation'),
        ),
        migrations.AddField(
            model_name='regrouping',
            name='agent',
            field=wasl.kit.tables.Ref(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.agent'),
        ),
        migrations.AddField(
            model_name='regrouping',
            name='source',
            field=wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='conversations.conversation'),
        ),
        migrations.AddField(
            model_name='regrouping',
            name='target',
            field=wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='conversations.conversation'),
        ),
        migrations.AddIndex(
            model_name='bulk',
            index=models.Index(fields=['workspace_id', 'at'], name='bulk_by_time'),
        ),
        migrations.AddIndex(
            model_name='bulkrow',
            index=models.Index(fields=['workspace_id', 'bulk', 'state'], name='bulk_row_by_state'),
        ),
        migrations.AddConstraint(
            model_name='bulkrow',
            constraint=models.UniqueConstraint(fields=('workspace_id', 'bulk', 'conversation'), name='bulk_row_once'),
        ),
        migrations.AddIndex(
            model_name='regrouping',
            index=models.Index(fields=['workspace_id', 'target'], name='regrouping_into'),
        ),
        TenantTable(
            'Regrouping',
            {
                'source_id': 'conversations_conversation',
                'target_id': 'conversations_conversation',
                'agent_id': 'accounts_agent',
            },
        ),
        TenantTable('Bulk', {'agent_id': 'accounts_agent'}),
        TenantTable(
            'BulkRow', {'bulk_id': 'conversations_bulk', 'conversation_id': 'conversations_conversation'}
        ),
        migrations.RunSQL(
            foreign_key('conversations_conversation', 'split_from_id', 'conversations_conversation'),
            migrations.RunSQL.noop,
        ),
    ]
