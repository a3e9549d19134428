"""The portal as granian loads it: our front on the event loop, Django behind it in threads."""

from __future__ import annotations

from typing import Final

from kouan.wsgi import application as pages  # isort: skip - sets Django up, which the rest needs

from django.urls import get_resolver

from kouan.apps.identity.provider.portal import PROGRAMS
from kouan.config import load_from_environment
from kouan.core.database.sharing import share_sessions
from kouan.core.watch import process
from kouan.node import programs, redirects
from kouan.node.front import Front
from kouan.node.lane import Lane
from kouan.node.pages import Threads
from kouan.node.settling import settle

THREADS: Final = 16
"""Requests that are answered at once; one that waits for the other side's answer holds its thread."""

assert get_resolver().url_patterns  # noqa: S101 - imports every page
process.begin("portal", load_from_environment())
settle()
_lane: Final = Lane({**dict.fromkeys(PROGRAMS, programs.answered), redirects.AUTHORIZE: redirects.answered})
application = Front(Threads(pages, THREADS, begin=share_sessions, lane=_lane))
