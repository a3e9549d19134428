"""A consent can be withdrawn after the decision; the case is then restricted."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("services", "0004_case_access")]

    operations = [
        migrations.AddField(
            model_name="application",
            name="consent_withdrawn_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="case",
            name="restricted_at",
            field=models.DateTimeField(null=True),
        ),
    ]
