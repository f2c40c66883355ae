import django.db.models.deletion
import wasl.kit.ids
import wasl.kit.tables
from django.db import migrations, models

from wasl.kit.tenancy import TenantTable


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0004_orders'),
    ]

    operations = [
        migrations.CreateModel(
            name='Claim',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('point', models.TextField(default='')),
                ('name', models.TextField(default='')),
                ('folded', models.TextField(default='', help_text='The name as it is compared.')),
                ('name_key', models.TextField(default='')),
                ('known', models.CharField(choices=[('channel', 'Channel'), ('token', 'Token'), ('claimed', 'Claimed')], max_length=7)),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Suggestion',
            fields=[
                ('id', models.UUIDField(default=wasl.kit.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField(editable=False)),
                ('probability', models.FloatField()),
                ('found', models.JSONField(default=list)),
                ('answer', models.CharField(choices=[('open', 'Open'), ('accepted', 'Accepted'), ('refused', 'Refused'), ('linked', 'Linked')], default='open', max_length=8)),
                ('at', models.DateTimeField()),
                ('merge_id', models.UUIDField(null=True)),
                ('answered_at', models.DateTimeField(null=True)),
                ('answered_by_id', models.UUIDField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='identity',
            name='known',
            field=models.CharField(choices=[('channel', 'Channel'), ('token', 'Token'), ('claimed', 'Claimed')], db_default='claimed', default='claimed', max_length=7),
        ),
        migrations.AddField(
            model_name='identity',
            name='name_key',
            field=models.TextField(db_default='', default='', help_text='By what the name is found: `closeness.key_of`.'),
        ),
        migrations.AddField(
            model_name='identity',
            name='point',
            field=models.TextField(db_default='', default=''),
        ),
        migrations.AddIndex(
            model_name='identity',
            index=models.Index(condition=models.Q(('point', ''), _negated=True), fields=['workspace_id', 'point'], name='identity_by_point'),
        ),
        migrations.AddIndex(
            model_name='identity',
            index=models.Index(condition=models.Q(('name_key', ''), _negated=True), fields=['workspace_id', 'name_key'], name='identity_by_name'),
        ),
        migrations.AddField(
            model_name='claim',
            name='customer',
            field=wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='suggestion',
            name='left',
            field=wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='suggestion',
            name='right',
            field=wasl.kit.tables.Ref(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='customers.customer'),
        ),
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(condition=models.Q(('point', ''), _negated=True), fields=['workspace_id', 'point'], name='claim_by_point'),
        ),
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(condition=models.Q(('name_key', ''), _negated=True), fields=['workspace_id', 'name_key'], name='claim_by_name'),
        ),
        migrations.AddConstraint(
            model_name='claim',
            constraint=models.UniqueConstraint(fields=('workspace_id', 'customer', 'point', 'folded', 'known'), name='claim_once'),
        ),
        migrations.AddIndex(
            model_name='suggestion',
            index=models.Index(fields=['workspace_id', 'right'], name='suggestion_of_right'),
        ),
        migrations.AddIndex(
            model_name='suggestion',
            index=models.Index(condition=models.Q(('merge_id__isnull', False)), fields=['workspace_id', 'merge_id'], name='suggestion_of_merge'),
        ),
        migrations.AddConstraint(
            model_name='suggestion',
            constraint=models.UniqueConstraint(fields=('workspace_id', 'left', 'right'), name='suggestion_once'),
        ),
        TenantTable("Claim", {"customer_id": "customers_customer"}),
        TenantTable("Suggestion", {"left_id": "customers_customer", "right_id": "customers_customer"}),
    ]
