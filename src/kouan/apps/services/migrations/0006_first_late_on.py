"""That a case was late is kept for good; of those before, the trail knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import migrations, models
from django.db.models import OuterRef, Subquery
from django.db.models.functions import TruncDate

if TYPE_CHECKING:
    from django.apps.registry import Apps
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_WAITING_FOR_APPLICANT = ("correction", "payment")
"""States in which the time that had passed was the applicant's."""


def _known_from_the_trail(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    late = apps.get_model("services", "CaseEvent").objects.filter(kind="late")
    late = late.exclude(state__in=_WAITING_FOR_APPLICANT)
    first = late.filter(case=OuterRef("pk")).order_by("pk").annotate(day=TruncDate("at")).values("day")[:1]
    cases = apps.get_model("services", "Case").objects.filter(pk__in=late.values("case"))
    cases.update(first_late_on=Subquery(first))


class Migration(migrations.Migration):
    dependencies = [("services", "0005_consent_withdrawn")]

    operations = [
        migrations.AddField(
            model_name="case",
            name="first_late_on",
            field=models.DateField(null=True),
        ),
        migrations.RunPython(_known_from_the_trail, migrations.RunPython.noop, elidable=True),
    ]
