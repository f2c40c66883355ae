from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("channels", "0004_mailboxes"),
        ("customers", "0004_orders"),
        ("delivery", "0002_tenancy"),
    ]

    operations: ClassVar = [
        migrations.AddField(
            model_name="delivery",
            name="ref",
            field=models.TextField(
                db_default="", default="", help_text="The provider's id of it, once it took it."
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="state",
            field=models.CharField(
                choices=[
                    ("queued", "Queued"),
                    ("sending", "Sending"),
                    ("retry", "Retry"),
                    ("in_doubt", "In Doubt"),
                    ("sent", "Sent"),
                    ("delivered", "Delivered"),
                    ("read", "Read"),
                    ("failed", "Failed"),
                ],
                default="queued",
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("ref", ""), _negated=True),
                fields=["workspace_id", "ref"],
                name="delivery_by_ref",
            ),
        ),
    ]
