"""How often somebody who shows no token may ask."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from kouan.web.throttle import Throttle, subscriber

if TYPE_CHECKING:
    from django.http import HttpRequest

ANONYMOUS: Final = Throttle("validation", limit=30, window=timedelta(minutes=1))
"""Validations from one address."""


def take_one(request: HttpRequest) -> None:
    """Count one anonymous validation from the request's address; raises ``TooManyTriesError``."""
    ANONYMOUS.take(subscriber(str(request.META.get("REMOTE_ADDR", ""))))
