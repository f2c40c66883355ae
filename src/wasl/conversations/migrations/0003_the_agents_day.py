import django.db.models.deletion
import wasl.kit.ids
import wasl.kit.tables
from django.db import migrations, models

from wasl.kit.tenancy import TenantTable, foreign_key


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_tenancy'),
        ('conversations', '0002_tenancy'),
    ]

    operations = [
        migrations.AddField(
            model_name='conversation',
            name='language',
            field=models.CharField(db_default='', default='', help_text="Of the customer's last message.", max_length=2),
        ),
        migrations.AddField(
            model_name='conversation',
            name='merged_into',
            field=wasl.kit.tables.Ref(db_constraint=False, db_index=False, help_text='Where its messages went; it is then in no list.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='conversations.conversation'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='snoozed_until',
            field=models.DateTimeField(help_text='While it is snoozed; null: until an answer.', null=True),
        ),
        migrations.AddField(
            model_name='conversation',
            name='team',
            field=wasl.kit.tables.Ref(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.team'),
        ),
        migrations.AlterField(
            model_name='conversation',
            name='status',
            field=models.CharField(choices=[('open', 'Open'), ('pending', 'Pending'), ('snoozed', 'Snoozed'), ('resolved', 'Resolved')], default='open', max_length=10),
        ),
        migrations.CreateModel(
            name='Draft',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('way', models.CharField(default='out', max_length=4)),
                ('key', models.UUIDField(default=wasl.kit.ids.uuid7)),
                ('text', models.TextField(default='')),
                ('html', models.TextField(default='')),
                ('meta', models.JSONField(default=dict, help_text='cc and whatever else the composer holds.')),
                ('changed_at', models.DateTimeField()),
                ('agent', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.agent')),
                ('conversation', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='conversations.conversation')),
            ],
        ),
        migrations.CreateModel(
            name='DraftFile',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('position', models.SmallIntegerField()),
                ('filename', models.TextField()),
                ('content_type', models.TextField()),
                ('size', models.BigIntegerField()),
                ('digest', models.BinaryField(max_length=32)),
                ('inline', models.BooleanField(default=False)),
                ('draft', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='conversations.draft')),
            ],
        ),
        migrations.CreateModel(
            name='Mention',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('at', models.DateTimeField()),
                ('seen_at', models.DateTimeField(null=True)),
                ('agent', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.agent')),
                ('conversation', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='conversations.conversation')),
                ('message', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='conversations.message')),
            ],
        ),
        migrations.CreateModel(
            name='SavedReply',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('name', models.CharField(max_length=80)),
                ('language', models.CharField(max_length=2)),
                ('text', models.TextField()),
                ('html', models.TextField(default='')),
                ('is_active', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('changed_at', models.DateTimeField(auto_now=True)),
                ('team', wasl.kit.tables.Ref(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.team')),
            ],
        ),
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('name', models.CharField(max_length=80)),
                ('filter', models.JSONField(default=dict)),
                ('position', models.IntegerField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('agent', wasl.kit.tables.Ref(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.agent')),
            ],
        ),
        migrations.CreateModel(
            name='Tag',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('name', models.CharField(max_length=60)),
                ('folded', models.CharField(max_length=60)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('workspace_id', 'folded'), name='tag_once')],
            },
        ),
        migrations.CreateModel(
            name='Tagging',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('at', models.DateTimeField()),
                ('conversation', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='conversations.conversation')),
                ('tag', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='conversations.tag')),
            ],
        ),
        migrations.CreateModel(
            name='Waking',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('due_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['due_at'], name='waking_due')],
            },
        ),
        migrations.AddIndex(
            model_name='draft',
            index=models.Index(fields=['workspace_id', 'conversation'], name='draft_of_conversation'),
        ),
        migrations.AddConstraint(
            model_name='draft',
            constraint=models.UniqueConstraint(fields=('workspace_id', 'agent', 'conversation', 'way'), name='draft_once'),
        ),
        migrations.AddIndex(
            model_name='draftfile',
            index=models.Index(fields=['workspace_id', 'draft', 'position'], name='draft_file_of_draft'),
        ),
        migrations.AddIndex(
            model_name='mention',
            index=models.Index(fields=['workspace_id', 'agent', '-at'], name='mentions_of_agent'),
        ),
        migrations.AddIndex(
            model_name='mention',
            index=models.Index(fields=['workspace_id', 'conversation'], name='mentions_of_conversation'),
        ),
        migrations.AddConstraint(
            model_name='mention',
            constraint=models.UniqueConstraint(fields=('workspace_id', 'message', 'agent'), name='mention_once'),
        ),
        migrations.AddConstraint(
            model_name='savedreply',
            constraint=models.UniqueConstraint(fields=('workspace_id', 'name', 'language'), name='saved_reply_once'),
        ),
        migrations.AddIndex(
            model_name='savedview',
            index=models.Index(fields=['workspace_id', 'agent', 'position'], name='saved_views'),
        ),
        migrations.AddIndex(
            model_name='tagging',
            index=models.Index(fields=['workspace_id', 'tag', 'at'], name='tagging_of_tag'),
        ),
        migrations.AddConstraint(
            model_name='tagging',
            constraint=models.UniqueConstraint(fields=('workspace_id', 'conversation', 'tag'), name='tagging_once'),
        ),
        TenantTable("Waking", {"id": "conversations_conversation"}, queue=True),
        TenantTable("Tag"),
        TenantTable(
            "Tagging", {"tag_id": "conversations_tag", "conversation_id": "conversations_conversation"}
        ),
        TenantTable("SavedView", {"agent_id": "accounts_agent"}),
        TenantTable("SavedReply", {"team_id": "accounts_team"}),
        TenantTable(
            "Draft", {"agent_id": "accounts_agent", "conversation_id": "conversations_conversation"}
        ),
        TenantTable("DraftFile", {"draft_id": "conversations_draft"}),
        TenantTable(
            "Mention",
            {
                "agent_id": "accounts_agent",
                "message_id": "conversations_message",
                "conversation_id": "conversations_conversation",
            },
        ),
        migrations.RunSQL(
            foreign_key("conversations_conversation", "team_id", "accounts_team"), migrations.RunSQL.noop
        ),
        migrations.RunSQL(
            foreign_key("conversations_conversation", "merged_into_id", "conversations_conversation"),
            migrations.RunSQL.noop,
        ),
    ]
