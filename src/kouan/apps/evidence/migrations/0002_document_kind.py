"""Records know the kind of their person's document; those that are here keep their digest until replaced."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("evidence", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="evidencerecord",
            name="document",
            field=models.CharField(default="", max_length=32),
        ),
    ]
