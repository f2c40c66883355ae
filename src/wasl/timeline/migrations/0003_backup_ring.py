from django.db import migrations, models

from wasl.kit.tenancy import TenantTable


class Migration(migrations.Migration):

    dependencies = [
        ('timeline', '0002_tenancy'),
    ]

    operations = [
        migrations.CreateModel(
            name='RingNode',
            fields=[
                ('pk', models.CompositePrimaryKey('workspace_id', 'depth', 'prefix', blank=True, editable=False, primary_key=True, serialize=False)),
                ('workspace_id', models.UUIDField()),
                ('depth', models.SmallIntegerField()),
                ('prefix', models.BigIntegerField()),
                ('wrapped', models.BinaryField()),
            ],
        ),
        TenantTable('RingNode', key=('workspace_id', 'depth', 'prefix')),
    ]
