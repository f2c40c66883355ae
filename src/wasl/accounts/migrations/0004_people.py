import django.db.models.deletion
import wasl.kit.ids
import wasl.kit.tables
from django.db import migrations, models

from wasl.kit.tenancy import TenantTable

# Asked before a workspace is known, by somebody who holds the secret of the link.
INVITED = """
CREATE FUNCTION wasl_invitation(presented bytea)
RETURNS TABLE (workspace_id uuid, invitation_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT i.workspace_id, i.id FROM accounts_invitation i
  WHERE i.digest = presented AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > now()
$$;
REVOKE ALL ON FUNCTION wasl_invitation(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wasl_invitation(bytea) TO wasl_app;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_calendars'),
    ]

    operations = [
        migrations.CreateModel(
            name='Access',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('at', models.DateTimeField()),
                ('agent_id', models.UUIDField(null=True)),
                ('token_id', models.UUIDField(null=True)),
                ('changed', models.BooleanField(default=False)),
                ('verb', models.CharField(max_length=60)),
                ('thing', models.CharField(default='', max_length=30)),
                ('thing_id', models.UUIDField(null=True)),
                ('address', models.GenericIPAddressField(help_text='Where the request came from.', null=True)),
                ('detail', models.JSONField(default=dict)),
            ],
            options={
                'indexes': [models.Index(fields=['workspace_id', '-at'], name='access_latest'), models.Index(fields=['workspace_id', 'thing_id', '-at'], name='access_of_thing'), models.Index(fields=['workspace_id', 'agent_id', '-at'], name='access_of_agent')],
            },
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('email', models.EmailField(max_length=254)),
                ('role', models.CharField(choices=[('owner', 'Owner'), ('admin', 'Admin'), ('agent', 'Agent'), ('readonly', 'Readonly')], default='agent', max_length=10)),
                ('teams', models.JSONField(default=list, help_text='Ids of the teams they will be in.')),
                ('language', models.CharField(choices=[('ar', 'العربية'), ('fr', 'Français'), ('it', 'Italiano'), ('en', 'English')], default='en', max_length=2)),
                ('digest', models.BinaryField(max_length=32)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('accepted_at', models.DateTimeField(null=True)),
                ('revoked_at', models.DateTimeField(null=True)),
                ('invited_by', wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.agent')),
            ],
            options={
                'indexes': [models.Index(fields=['digest'], name='invitation_by_digest'), models.Index(fields=['workspace_id', '-created_at'], name='invitations_latest')],
            },
        ),
        TenantTable("Invitation", {"invited_by_id": "accounts_agent"}),
        TenantTable("Access", append_only=True),
        migrations.RunSQL(INVITED, "DROP FUNCTION wasl_invitation(bytea)"),
    ]
