"""What a side is: names, languages, place and time, colours, suites, documents and calendar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError

if TYPE_CHECKING:
    from datetime import date, datetime

    from kouan.core.sides.calendars import Calendar
    from kouan.core.sides.documents import DocumentFormat
    from kouan.core.text import Localised


class UnknownSideError(KouanError):
    """No side has this code."""

    code = "unknown-side"
    status = 404
    message = _("No side is called “%(side)s” here.")


class UnknownDocumentError(KouanError):
    """No identity document has this code."""

    code = "unknown-document"
    status = 404
    message = _("No identity document is called “%(document)s” here.")


@dataclass(frozen=True, slots=True)
class Suite:
    """A set of cryptographic algorithms, by the number that every batch and key names."""

    id: int
    signature: str
    key_agreement: str
    encryption: str
    hash: str

    def __str__(self) -> str:
        return f"{self.signature} + {self.key_agreement} + {self.encryption} + {self.hash}"


SUITES: Final = {
    suite.id: suite
    for suite in (
        Suite(1, "ES256", "X25519", "AES-256-GCM", "SHA-256"),
        Suite(2, "Ed25519", "X25519", "AES-256-GCM", "SHA-256"),
    )
}


@dataclass(frozen=True, slots=True)
class Accent:
    """A side's colour on its pages. Text in it reads on white and on the tint (WCAG 2.2, 1.4.3)."""

    name: Localised
    colour: str
    """``#rrggbb``, at least 4.5 to 1 against white and against ``tint``."""
    tint: str
    """``#rrggbb``, a pale ground of the same family."""


@dataclass(frozen=True, slots=True)
class City:
    """A city of a side that agreements name one by one."""

    code: str
    name: Localised
    division: str
    """Six-digit code of the administrative division (GB/T 2260)."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the governments that co-operate, as everything else in the node knows it."""

    code: str
    name: Localised
    short_name: Localised
    full_name: Localised
    languages: tuple[str, ...]
    """Languages of its pages, the one its residents read first before the others."""
    time_zone: str
    accent: Accent
    suites: tuple[Suite, ...]
    """What it can sign and seal with, the preferred one first."""
    cities: tuple[City, ...]
    """Its cities in the Guangdong-Hong Kong-Macao Greater Bay Area, where it has several."""
    documents: tuple[DocumentFormat, ...]
    """The identity documents that its authorities issue."""
    calendar: Calendar

    def __str__(self) -> str:
        return str(self.name)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that its offices keep."""
        return ZoneInfo(self.time_zone)

    def day_of(self, moment: datetime) -> date:
        """Return the side's own date at ``moment``, which must carry a time zone."""
        if moment.tzinfo is None:
            raise ValueError("a moment without a time zone is on no certain day")
        return moment.astimezone(self.zone).date()

    def document(self, code: str) -> DocumentFormat:
        """Return the document of this side with ``code``; raises ``UnknownDocumentError``."""
        for document in self.documents:
            if document.code == code:
                return document
        raise UnknownDocumentError(document=code[:40])
