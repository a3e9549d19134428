"""The door as granian loads it."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kouan.settings")
django.setup()

from kouan.config import load_from_environment  # noqa: E402 - as the next
from kouan.core.exchange.door import Door  # noqa: E402 - needs Django's set-up
from kouan.core.watch import process  # noqa: E402 - after Django, which has a set-up for logs of its own
from kouan.node.settling import settle  # noqa: E402 - as above

process.begin("door", load_from_environment())
application = Door()
settle()
