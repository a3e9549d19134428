"""The words of a version in one text, in place of a row for each."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import django.db.models.deletion
from django.db import migrations, models

if TYPE_CHECKING:
    from django.apps.registry import Apps
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_TITLE, _ALIAS, _REST = 10_000, 100, 1


def _together(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    rows = apps.get_model("services", "ServiceWord").objects.order_by("version_id", "pk")
    text = apps.get_model("services", "ServiceText")
    words = rows.values_list("version_id", "word", "weight").iterator(chunk_size=2000)
    versions = apps.get_model("services", "ServiceVersion").objects
    for version, found in groupby(words, key=lambda row: row[0]):
        side, category, service = versions.values_list("side", "category", "service").get(pk=version)
        parts = {_TITLE: "", _ALIAS: "", _REST: ""}
        for _version, word, weight in found:
            parts[weight] += f" {bytes(word).decode()}"
        near = len(parts[_TITLE]) + 1
        text.objects.create(
            version_id=version,
            side=side,
            category=category,
            service=service,
            text="".join(parts.values()),
            near=near,
            rest=near + len(parts[_ALIAS]),
        )


class Migration(migrations.Migration):
    dependencies = [("services", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="ServiceText",
            fields=[
                (
                    "version",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="services.serviceversion",
                    ),
                ),
                ("side", models.CharField(max_length=16)),
                ("category", models.CharField(max_length=32)),
                ("service", models.CharField(max_length=64)),
                ("near", models.PositiveIntegerField()),
                ("rest", models.PositiveIntegerField()),
                ("text", models.TextField()),
            ],
        ),
        migrations.RunPython(_together, migrations.RunPython.noop, elidable=True),
        migrations.DeleteModel(name="ServiceWord"),
    ]
