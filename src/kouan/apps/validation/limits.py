"""How often somebody who shows no token may ask."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from kouan.web.throttle import Throttle

if TYPE_CHECKING:
    from django.http import HttpRequest

ANONYMOUS: Final = Throttle("validation", limit=30, window=timedelta(minutes=1))
"""Validations from one address."""
_IPV6_NETWORK: Final = 64


def take_one(request: HttpRequest) -> None:
    """Count one anonymous validation from the request's address; raises ``TooManyTriesError``."""
    ANONYMOUS.take(_address(str(request.META.get("REMOTE_ADDR", ""))))


def _address(text: str) -> str:
    """Return what one subscriber has: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv4Address):
        return text
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))
