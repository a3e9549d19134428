"""The door as granian loads it."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kouan.settings")
django.setup()

from kouan.core.exchange.door import Door  # noqa: E402 - needs Django's set-up
from kouan.node.settling import settle  # noqa: E402 - as above

application = Door()
settle()
