"""Speaking without a node: what commands that need no settings and no database still translate."""

from __future__ import annotations

from pathlib import Path

import django
from django.conf import settings


def speak_without_a_node() -> None:
    """Give Django just enough settings to translate: no database, no apps, no node.

    Does nothing where settings are there already.
    """
    if not settings.configured:
        settings.configure(
            USE_I18N=True,
            USE_TZ=True,
            TIME_ZONE="UTC",
            LANGUAGE_CODE="en",
            LANGUAGES=[("en", "English"), ("zh-hant", "繁體中文"), ("zh-hans", "简体中文")],
            LOCALE_PATHS=[Path(__file__).resolve().parent / "locale"],
        )
    django.setup()
