"""This app's entries in the navigation and on the home page, part by part."""

from __future__ import annotations

from kouan.apps.programme.look import portal as look
from kouan.apps.programme.plan import portal as plan
from kouan.apps.programme.records import portal as records

__all__ = ["look", "plan", "records"]
