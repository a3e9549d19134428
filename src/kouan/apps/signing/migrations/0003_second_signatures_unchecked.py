from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("signing", "0002_office_signatures")]

    operations = [
        migrations.AddField(
            model_name="listedition",
            name="sm2_unchecked",
            field=models.BooleanField(default=False),
        ),
    ]
