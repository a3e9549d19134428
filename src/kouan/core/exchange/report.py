"""What checking an evidence bundle found: each check by its part, and the facts of each message."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kouan.core.exchange import wire
    from kouan.core.exchange.stamp import Stamp
    from kouan.core.ledger.offline import EntryFinding, WitnessFinding
    from kouan.core.trust.document import Revocation


class DifferentFromContents(KouanError):
    """A part that is not the one that the bundle's maker signed for."""

    code = "part-altered"
    message = _("the part was altered after the bundle was made")


class PartMissing(KouanError):
    """A part that a check needs and the bundle lacks."""

    code = "part-missing"
    message = _("the part is missing")


class Disagrees(KouanError):
    """Two parts, each sound, that do not belong together."""

    code = "parts-disagree"
    message = "%(detail)s"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: in which part, what for, and what is wrong (``""`` if nothing)."""

    part: str
    what: str
    problem: str = ""
    remark: str = ""
    """What a reader should know although the check holds."""
    altered: bool = False
    """Whether what is wrong is that the part itself was changed after the bundle was made."""

    @property
    def holds(self) -> bool:
        """Whether the check passed."""
        return not self.problem


@dataclass(slots=True)
class MessageFacts:
    """What a bundle proves of one message; filled as far as its parts could be read."""

    number: int
    header: wire.Header | None = None
    payload: object = None
    statement: wire.Statement | None = None
    receipt: wire.Receipt | None = None
    accepted: bool = False
    code: str = ""
    """Why the receiver refused it at its door, if it did."""
    entry: EntryFinding | None = None
    cosigned: tuple[WitnessFinding, ...] = ()
    """Every co-signature of the checkpoint that holds: the other side's, and those of further witnesses."""
    stamp: Stamp | None = None
    statement_report: Revocation | None = None
    """The report about the key that signed the batch, if there is one."""
    receipt_report: Revocation | None = None
    """The same about the receipt's key."""


@dataclass(slots=True)
class Report:
    """Everything that was checked and found."""

    checks: list[Check] = field(default_factory=list)
    messages: list[MessageFacts] = field(default_factory=list)
    fingerprints: dict[str, str] = field(default_factory=dict)
    agreements: dict[bytes, Mapping[str, Any]] = field(default_factory=dict)
    declarations: dict[tuple[str, int], Mapping[str, Any]] = field(default_factory=dict)
    """What the maker's node declares of each type and version: title, purpose, legal basis."""
    witnesses: dict[str, str] = field(default_factory=dict)
    """The verifier keys, by name, of the witnesses that are no side."""
    authorities: dict[str, str] = field(default_factory=dict)
    """The time-stamping authorities, by the fingerprints of their root certificates."""
    made_by: str = ""
    made_at: datetime | None = None

    @property
    def holds(self) -> bool:
        """Whether every check passed and at least one message was proved."""
        return bool(self.messages) and all(check.holds for check in self.checks)

    @property
    def altered(self) -> list[str]:
        """The parts that are not as they were when the bundle was made, if that could be told."""
        return [check.part for check in self.checks if check.altered]

    @property
    def problems(self) -> list[Check]:
        """The checks that failed, in the order in which they were made."""
        return [check for check in self.checks if not check.holds]
