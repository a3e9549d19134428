"""What became of a signature: the types that whoever validates documents takes from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kouan.apps.signing.ofd.codes import MEANING, CheckName, Code, Status

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.apps.signing.ofd.certificate import Certificate
    from kouan.apps.signing.ofd.coverage import Coverage
    from kouan.apps.signing.ofd.listed import Stamp
    from kouan.apps.signing.ofd.seals import Seal


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, and the parts (or identifiers) that it is about."""

    code: Code
    names: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """How bad it is; ``PASSED`` for what is only worth knowing."""
        return MEANING[self.code][0]

    @property
    def sub_indication(self) -> str:
        """The sub-indication of EN 319 102-1 that fits; empty for a note."""
        return MEANING[self.code][1]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked."""

    name: CheckName
    findings: tuple[Finding, ...] = ()

    @property
    def status(self) -> Status:
        """The worst of what was found."""
        return max((finding.status for finding in self.findings), default=Status.PASSED)


@dataclass(frozen=True, slots=True)
class OfdSignature:
    """A signature and what became of it. What is ``None`` could not be read."""

    identifier: str
    name: str
    """Where its ``Signature.xml`` is."""
    document: str
    """Where the document's root is that it belongs to."""
    kind: str = ""
    """``seal`` or ``signature``; empty where it could not be read."""
    checks: tuple[Check, ...] = ()
    provider: str = ""
    algorithm: str = ""
    """An object identifier; ``algorithms.NAMES`` has the names."""
    digest: str = ""
    time: datetime | None = None
    """When the signer says that it was made: no proof."""
    certificate: Certificate | None = None
    certificates: tuple[bytes, ...] = ()
    """Others that came with it, in DER."""
    seal: Seal | None = None
    stamps: tuple[Stamp, ...] = ()
    coverage: Coverage | None = None
    value: bytes = b""
    time_stamp: bytes | None = None
    """A time-stamp token over ``time_stamped``, unverified."""
    time_stamped: bytes | None = None

    @property
    def status(self) -> Status:
        """The worst of its checks."""
        return max((check.status for check in self.checks), default=Status.INDETERMINATE)

    @property
    def reasons(self) -> tuple[Finding, ...]:
        """Everything that was found, the worst first."""
        found = [finding for check in self.checks for finding in check.findings]
        return tuple(sorted(found, key=lambda finding: -finding.status))

    def check(self, name: CheckName) -> Check | None:
        """Return a check; ``None`` for one that could not be made or is not needed."""
        return next((check for check in self.checks if check.name == name), None)
