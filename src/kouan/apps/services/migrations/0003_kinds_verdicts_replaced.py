"""The kind of a cosigner's document, what a result's credential is worth, and evidence that was replaced."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("services", "0002_service_text")]

    operations = [
        migrations.AddField(
            model_name="cosignature",
            name="document",
            field=models.CharField(default="", max_length=32),
        ),
        migrations.AddField(
            model_name="application",
            name="verdict",
            field=models.CharField(default="", max_length=32),
        ),
        migrations.AddField(
            model_name="caseevidence",
            name="replaced_at",
            field=models.DateTimeField(null=True),
        ),
    ]
