"""Rules about attached systems: names, codes, when to try again, and how a webhook is signed."""

from __future__ import annotations

import base64
import enum
import hashlib
import hmac
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from kouan.core.addresses import is_loopback_host

if TYPE_CHECKING:
    from datetime import datetime

SYSTEM_NAME: Final = r"[a-z][a-z0-9-]{0,38}[a-z0-9]"
REFUSAL_CODE: Final = r"[a-z][a-z0-9-]{0,62}"
IDEMPOTENCY_KEY: Final = r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?"

LEASE: Final = timedelta(seconds=60)
"""How long a message that a system has fetched is not handed out again."""

PAUSES: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 30, 120, 600, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 12 * 3600)
)
"""Pauses after each failed try of a webhook; the last one repeats."""
GIVE_UP_AFTER: Final = timedelta(days=5)
"""A delivery that has failed for so long is not tried again by itself."""
DISABLE_AFTER: Final = timedelta(days=3)
"""A webhook at which nothing has arrived for so long is switched off, and the operator is told."""


class MessageEnd(enum.StrEnum):
    """What became of a message that was stored for a system."""

    WAITING = "waiting"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"


class Event(enum.StrEnum):
    """What a webhook tells."""

    RECEIVED = "message.received"
    ACCEPTED = "message.accepted"
    HANDLED = "message.handled"
    REFUSED = "message.refused"
    EXPIRED = "message.expired"
    CANCELLED = "message.cancelled"


OPEN: Final = ("waiting", "sealed", "accepted")
"""States of a sent message of which a system is told and after which it is told of another."""
FINAL: Final = frozenset({"handled", "refused", "expired", "cancelled"})
"""States of a sent message after which nothing more happens to it by itself."""


def pause_after(failures: int, chance: float) -> timedelta:
    """Return the pause after so many failed tries; ``chance`` (0 to 1) makes it a quarter shorter or longer.

    >>> pause_after(1, 0.5)
    datetime.timedelta(seconds=5)
    """
    return PAUSES[min(failures, len(PAUSES)) - 1] * (0.75 + chance / 2)


def is_name(text: str) -> bool:
    """Return whether a system may be called so."""
    return re.fullmatch(SYSTEM_NAME, text) is not None


def is_webhook_address(text: str) -> bool:
    """Return whether the node may post there: https, or http on this very machine; nothing hidden in it."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or "@" in parts.netloc or parts.fragment or "#" in text or port == 0:
        return False
    if len(text) > 500 or re.search(r"[^\x21-\x7e]", text):  # noqa: PLR2004 - the column's width
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback_host(host))


def signature(secret: bytes, *, delivery: str, at: datetime, body: bytes) -> str:
    """Return ``v1,…``, the signature of Standard Webhooks: HMAC-SHA-256 over id, time and body."""
    signed = f"{delivery}.{int(at.timestamp())}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def secret_text(secret: bytes) -> str:
    """Return a webhook's secret as people hand it on: ``whsec_`` and base64."""
    return "whsec_" + base64.b64encode(secret).decode()
