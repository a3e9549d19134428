"""Members are told of this side's issuer in the version of the message that their node understands."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("evidence", "0002_document_kind")]

    operations = [
        migrations.AddField(
            model_name="announced",
            name="version",
            field=models.PositiveSmallIntegerField(default=2),
        ),
    ]
