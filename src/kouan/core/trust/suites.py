"""The cryptographic suites: which algorithms belong together under one number.

A suite's id stands in every batch and in every trust document, so a change of algorithm is never
silent. An id that is not listed here is refused. Suites 3 and 4 are 1 and 2 with a second signature beside
the first, by SM2 with SM3 (GB/T 32918, GB/T 32905): each signature proves the whole by itself, so readers of
either cryptography need nothing of the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from kouan.core.trust.errors import NoCommonSuite, UnknownSuite

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ES256: Final = -7
"""COSE algorithm: ECDSA over P-256 with SHA-256 (RFC 9053 section 2.1)."""
EDDSA: Final = -8
"""COSE algorithm: EdDSA, here with Ed25519 alone (RFC 9053 section 2.2)."""

SM2: Final = -72001
"""COSE algorithm: SM2 with SM3 (GB/T 32918.2). No number is registered; it is in the range for private use
(RFC 9053 section 11.2)."""

KeyKind = Literal["P-256", "Ed25519", "X25519", "SM2"]


@dataclass(frozen=True, slots=True)
class Suite:
    """Algorithms that belong together: signature, key wrap, body encryption and digest."""

    id: int
    name: str
    cose_alg: int
    """COSE algorithm of batch and receipt signatures."""
    signing_key: KeyKind
    wrap: str
    """How a batch key reaches its receiver (RFC 9180 names)."""
    aead: str
    digest: str
    twice: bool = False
    """Whether all that is signed is signed by SM2 as well."""


_SUITE_1: Final = Suite(
    id=1,
    name="ES256 + X25519 + AES-256-GCM + SHA-256",
    cose_alg=ES256,
    signing_key="P-256",
    wrap="DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM",
    aead="AES-256-GCM",
    digest="SHA-256",
)
_SUITE_2: Final = replace(
    _SUITE_1,
    id=2,
    name="Ed25519 + X25519 + AES-256-GCM + SHA-256",
    cose_alg=EDDSA,
    signing_key="Ed25519",
)
SUITES: Final[Mapping[int, Suite]] = MappingProxyType(
    {
        1: _SUITE_1,
        2: _SUITE_2,
        3: replace(_SUITE_1, id=3, name="ES256 and SM2-SM3 + X25519 + AES-256-GCM + SHA-256", twice=True),
        4: replace(_SUITE_2, id=4, name="Ed25519 and SM2-SM3 + X25519 + AES-256-GCM + SHA-256", twice=True),
    }
)
DEFAULT_SUITE: Final = 1


def get_suite(suite_id: int) -> Suite:
    """Return the suite with this id; raises ``UnknownSuite``."""
    suite = SUITES.get(suite_id)
    if suite is None:
        raise UnknownSuite(suite=suite_id)
    return suite


def signed_twice(suite: Suite) -> Suite:
    """Return the suite that is this one with a second signature by SM2."""
    return next(each for each in SUITES.values() if each.twice and each.cose_alg == suite.cose_alg)


def signed_once(suite: Suite) -> Suite:
    """Return the suite that is this one without a second signature."""
    return next(each for each in SUITES.values() if not each.twice and each.cose_alg == suite.cose_alg)


def common_suite(own_suite: int, theirs: Iterable[int], *, side: str) -> Suite:
    """Return the suite in which we sign towards ``side``; raises ``NoCommonSuite`` if it cannot read ours.

    A sender signs in its own suite; a receiver verifies every suite that it lists.
    """
    if own_suite not in set(theirs):
        raise NoCommonSuite(side=side)
    return get_suite(own_suite)
