from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("delivery", "0004_suppression")]

    operations: ClassVar = [
        migrations.AddField(
            "delivery",
            "part",
            models.SmallIntegerField(default=1, db_default=1, help_text="Which part of the message this is."),
        ),
        migrations.AddField(
            "delivery",
            "parts",
            models.SmallIntegerField(
                default=1, db_default=1, help_text="In how many parts the message goes: see delivery.parts."
            ),
        ),
    ]
