"""Rules that all of signing shares: the policy under which certificates are recognised. No framework."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

POLICY_PREFIX: Final = "2.16.344.8.2.2008.810.2"
"""Of the certificate policy for mutual recognition; year, version and release follow."""
OID: Final = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,9})){1,23}")
"""An object identifier in dotted form (ITU-T X.660)."""
_YEARS: Final = range(2000, 10_000)
_NODES: Final = 3


@dataclass(frozen=True, slots=True, order=True)
class PolicyVersion:
    """Which edition of the policy for mutual recognition a certificate was issued under."""

    year: int
    version: int
    release: int


def policy_versions(policies: Iterable[str], *, prefix: str = POLICY_PREFIX) -> tuple[PolicyVersion, ...]:
    """Return the editions among a certificate's policies (dotted OIDs), the oldest first.

    One counts only if exactly year, version and release follow the prefix.

    >>> policy_versions(["2.16.344.8.2.2008.810.2.2012.1.0", "1.2.3"])
    (PolicyVersion(year=2012, version=1, release=0),)
    """
    found = set()
    for policy in policies:
        if not OID.fullmatch(policy) or not policy.startswith(f"{prefix}."):
            continue
        nodes = [int(each) for each in policy[len(prefix) + 1 :].split(".")]
        if len(nodes) == _NODES and nodes[0] in _YEARS:
            found.add(PolicyVersion(*nodes))
    return tuple(sorted(found))


def says_made_up(name: str) -> bool:
    """Whether a certificate names an organisation that a demonstration made up.

    >>> says_made_up("Harbour Certification (demonstration)")
    True
    """
    return name.rstrip().casefold().endswith("(demonstration)") or name.startswith("DEMONSTRATION:")


def fingerprint(certificate: bytes) -> str:
    """Return SHA-256 of a certificate in DER, as 64 hex digits."""
    return hashlib.sha256(certificate).hexdigest()
