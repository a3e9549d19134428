"""What an evidence bundle proves, with what this node knows of the sides whose keys stand in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.conf import settings

from kouan.core.exchange.verify import verify_bundle
from kouan.core.trust.queries import fingerprints, members, own

if TYPE_CHECKING:
    from kouan.core.exchange.report import Check, MessageFacts, Report

SHOWN_MESSAGES: Final = 50
SHOWN_CHECKS: Final = 500


class Known(StrEnum):
    """What this node says of the key by which a side is known in a bundle."""

    PRESENT = "present"
    FORMER = "former"
    OTHER = "other"
    """It knows the side by another key."""
    UNKNOWN = "unknown"
    """It does not know the side."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A side in a bundle: the fingerprint that stands there, and whether this node knows it."""

    side: str
    fingerprint: str
    known: Known


@dataclass(frozen=True, slots=True)
class Proof:
    """A report, and whose keys it rests on."""

    report: Report
    identities: tuple[Identity, ...]

    @property
    def holds(self) -> bool:
        """Whether everything holds, and no side is another than the one that this node knows."""
        return self.report.holds and not self.impostors

    @property
    def impostors(self) -> tuple[Identity, ...]:
        """The sides whose keys are not those that this node knows."""
        return tuple(each for each in self.identities if each.known is Known.OTHER)

    @property
    def strangers(self) -> tuple[Identity, ...]:
        """The sides of which this node knows nothing."""
        return tuple(each for each in self.identities if each.known is Known.UNKNOWN)

    @property
    def messages(self) -> list[MessageFacts]:
        """The messages that a page shows."""
        return self.report.messages[:SHOWN_MESSAGES]

    @property
    def checks(self) -> list[Check]:
        """The checks that a page shows, those that failed first."""
        return sorted(self.report.checks, key=lambda check: check.holds)[:SHOWN_CHECKS]


def examined(data: bytes) -> Proof:
    """Check a bundle; never raises for what it holds.

    What the sides that this node knows have reported compromised counts, also in a bundle from before.
    """
    report = verify_bundle(
        data,
        witnesses={each.name: each.key for each in settings.NODE.witnesses},
        newer=[own().public, *members()],
    )
    identities = [
        Identity(side, fingerprint, _known(side, fingerprint))
        for side, fingerprint in sorted(report.fingerprints.items())
    ]
    return Proof(report, tuple(identities))


def _known(side: str, fingerprint: str) -> Known:
    known = fingerprints(side)
    if fingerprint not in known:
        return Known.OTHER if known else Known.UNKNOWN
    return Known.PRESENT if fingerprint == known[0] else Known.FORMER
