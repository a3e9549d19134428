from django.db import migrations, models
from django.db.models import F

_ACTS = ("message", "correct", "withdraw", "appeal", "restrict")


def _apart(apps, schema_editor):
    """Until now such a line had the applicant's message where others have the one by which it was told."""
    events = apps.get_model("services", "CaseEvent").objects.filter(role="applicant", kind__in=_ACTS)
    events.filter(message_id__isnull=False).update(caused_by=F("message_id"), message_id=None)


def _together(apps, schema_editor):
    events = apps.get_model("services", "CaseEvent").objects.filter(caused_by__isnull=False)
    events.update(message_id=F("caused_by"))


class Migration(migrations.Migration):
    """A step that an applicant brings about names both messages; whole sides list their cases by an index."""

    dependencies = [("services", "0007_longest_reference")]

    operations = [
        migrations.AddField(model_name="caseevent", name="caused_by", field=models.UUIDField(null=True)),
        migrations.RunPython(_apart, _together),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["-received_at", "-id"], name="services_side_newest"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["turn", "-received_at", "-id"], name="services_side_over"),
        ),
    ]
