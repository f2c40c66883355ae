from typing import ClassVar

from django.db import migrations

from wasl.kit.tenancy import SharedTable, TenantTable

# The transaction id is the database's to give, so that no writer can place itself behind a reader.
FIRST_EPOCH = """
ALTER TABLE timeline_touchpoint ALTER COLUMN tx SET DEFAULT pg_current_xact_id();
INSERT INTO timeline_epoch (id, number, system_identifier)
SELECT 1, 1, system_identifier FROM pg_control_system();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("timeline", "0001_initial"),
    ]

    operations: ClassVar = [
        TenantTable("Touchpoint", queue=True, append_only=True),
        TenantTable("SubjectKey", key=("workspace_id", "customer_id")),
        TenantTable("Parked", queue=True),
        TenantTable("LogTile", key=("workspace_id", "level", "number"), queue=True, app_reads_only=True),
        TenantTable("Checkpoint", key=("workspace_id", "size"), queue=True, app_reads_only=True),
        SharedTable("timeline_epoch", app="SELECT", queue="SELECT"),
        SharedTable("timeline_follower", app="SELECT", queue="SELECT, INSERT, UPDATE"),
        SharedTable("timeline_heartbeat", queue="SELECT, INSERT, UPDATE, DELETE"),
        migrations.RunSQL(FIRST_EPOCH, migrations.RunSQL.noop),
    ]
