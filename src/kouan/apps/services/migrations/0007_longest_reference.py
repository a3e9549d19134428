"""The longest number that another side may give a case, with its whole name before it, has room."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("services", "0006_first_late_on")]

    operations = [
        migrations.AlterField(
            model_name="application",
            name="reference",
            field=models.CharField(default="", max_length=40),
        ),
    ]
