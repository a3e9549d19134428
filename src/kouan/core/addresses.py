"""To which addresses of its own side's systems a node connects."""

from __future__ import annotations

import ipaddress


def is_loopback_host(host: str) -> bool:
    """Return whether a host of an address is written as this very machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def may_connect(address: str, *, loopback: bool) -> bool:
    """Return whether the node may connect to an IP address that a host of this side's has.

    Departments' systems have private addresses, so these are fine; what is never one is refused: the
    link's own addresses, where clouds keep their metadata, groups, and, unless asked for, this machine.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if parsed.is_link_local or parsed.is_multicast or parsed.is_unspecified:
        return False
    return parsed.is_loopback if loopback else not (parsed.is_loopback or parsed.is_reserved)
