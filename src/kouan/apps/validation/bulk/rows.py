"""What a row says: a document to register, or one to take back; and what is wrong with it, by column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from kouan.apps.validation.bulk.errors import (
    BadDate,
    BadFingerprint,
    FingerprintOrContent,
    IssuedInTheFuture,
    MissingColumn,
    MissingValue,
    NotOneOf,
    OtherMark,
    OtherSide,
    UnknownColumn,
    UnmarkedContent,
    WrongNumberOfFields,
)
from kouan.apps.validation.domain import Algorithm, DocumentType, JobKind, Reference, RevocationReason
from kouan.apps.validation.errors import ExpiryInThePast
from kouan.apps.validation.marks import CarriedAs, json
from kouan.apps.validation.marks.fingerprint import fingerprint
from kouan.core.errors import KouanError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kouan.apps.validation.bulk.reading import Row

EXPIRED: Final = "expired"
"""The reason code that lets a document expire instead of taking it back."""
COLUMNS: Final[Mapping[JobKind, tuple[str, ...]]] = {
    JobKind.REGISTER: (
        "reference", "type", "fingerprint", "content", "algorithm", "carried_as", "issued_on", "expires_on",
    ),
    JobKind.REVOKE: ("reference", "reason", "expires_on"),
}  # fmt: skip
_NEEDED: Final[Mapping[JobKind, tuple[str, ...]]] = {
    JobKind.REGISTER: ("reference", "type"),
    JobKind.REVOKE: ("reference", "reason"),
}
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_TYPES: Final = tuple(DocumentType)
_ALGORITHMS: Final = tuple(Algorithm)
_REASONS: Final = (*RevocationReason, EXPIRED)
_FORMS: Final = tuple(CarriedAs)


@dataclass(frozen=True, slots=True)
class Whose:
    """For whom, and when, a row is read."""

    side: str
    institution: str
    """The institution's code, which a mark in a row's content must name."""
    today: date


@dataclass(frozen=True, slots=True)
class Registration:
    """A document to register."""

    line: int
    reference: str
    type: str
    algorithm: str
    digest: bytes
    carried_as: str
    issued_on: date
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A document to take back, or to let expire."""

    line: int
    reference: str
    reason: str
    expires_on: date
    """The last day of validity; of meaning where ``reason`` is ``EXPIRED``."""


class RowProblem(Exception):
    """A row that cannot be taken: where, and the error that says why."""

    def __init__(self, line: int, column: str, error: KouanError) -> None:
        # Thousands may be held at a time, and where each was raised would hold what was there.
        error.__context__ = None
        self.line, self.column, self.error = line, column, error.with_traceback(None)
        super().__init__(line, column, error.code)


def check_columns(kind: JobKind, names: Sequence[str]) -> None:
    """Check a file's line of names; raises ``MissingColumn`` or ``UnknownColumn``."""
    for name in _NEEDED[kind]:
        if name not in names:
            raise MissingColumn(column=name, columns=", ".join(COLUMNS[kind]))
    if kind is JobKind.REGISTER and not {"fingerprint", "content"} & set(names):
        raise MissingColumn(column="fingerprint", columns=", ".join(COLUMNS[kind]))
    for name in names:
        if name not in COLUMNS[kind]:
            raise UnknownColumn(column=name[:40], columns=", ".join(COLUMNS[kind]))


def registration(row: Row, names: Sequence[str], whose: Whose) -> Registration:
    """Return the document that a row registers; raises ``RowProblem``."""
    values = _values(row, names)
    reference = _reference(row, values, whose)
    kind = _one_of(row, values, "type", _TYPES)
    given, content = values.get("fingerprint", ""), values.get("content", "")
    if bool(given) is bool(content):
        raise RowProblem(row.line, "fingerprint" if "fingerprint" in values else "content", _either())
    if content:
        algorithm, digest = _content(row, content, reference, whose)
        if values.get("algorithm") and values["algorithm"] != algorithm:
            raise RowProblem(row.line, "algorithm", NotOneOf(allowed=algorithm))
        carried_as = CarriedAs.JSON.value
    else:
        algorithm = _one_of(row, values, "algorithm", _ALGORITHMS, default=Algorithm.SHA_256)
        carried_as = _one_of(row, values, "carried_as", _FORMS, default=CarriedAs.PACKAGE)
        if not _HEX.fullmatch(given.lower()):
            raise RowProblem(row.line, "fingerprint", BadFingerprint())
        digest = bytes.fromhex(given)
    issued_on = _day(row, values, "issued_on") or whose.today
    if issued_on > whose.today:
        raise RowProblem(row.line, "issued_on", IssuedInTheFuture())
    expires_on = _day(row, values, "expires_on")
    if expires_on is not None and expires_on < whose.today:
        raise RowProblem(row.line, "expires_on", ExpiryInThePast())
    return Registration(row.line, reference, kind, algorithm, digest, carried_as, issued_on, expires_on)


def withdrawal(row: Row, names: Sequence[str], whose: Whose) -> Withdrawal:
    """Return what a row takes back; raises ``RowProblem``."""
    values = _values(row, names)
    reference = _reference(row, values, whose)
    reason = _one_of(row, values, "reason", _REASONS)
    expires_on = _day(row, values, "expires_on") or whose.today
    if expires_on < whose.today:
        raise RowProblem(row.line, "expires_on", ExpiryInThePast())
    return Withdrawal(row.line, reference, reason, expires_on)


def _values(row: Row, names: Sequence[str]) -> dict[str, str]:
    if row.error is not None:
        raise RowProblem(row.line, "", row.error)
    if len(row.fields) != len(names):
        raise RowProblem(row.line, "", WrongNumberOfFields(found=len(row.fields), expected=len(names)))
    return dict(zip(names, map(str.strip, row.fields), strict=True))


def _reference(row: Row, values: Mapping[str, str], whose: Whose) -> str:
    if not values["reference"]:
        raise RowProblem(row.line, "reference", MissingValue())
    try:
        parsed = Reference.parse(values["reference"])
    except KouanError as error:
        raise RowProblem(row.line, "reference", error) from None
    if parsed.side != whose.side:
        raise RowProblem(row.line, "reference", OtherSide(side=whose.side.upper()))
    return str(parsed)


def _one_of(
    row: Row, values: Mapping[str, str], column: str, allowed: Sequence[str], *, default: str = ""
) -> str:
    value = values.get(column) or default
    if not value:
        raise RowProblem(row.line, column, MissingValue())
    if value not in allowed:
        raise RowProblem(row.line, column, NotOneOf(allowed=", ".join(allowed)))
    return str(value)


def _day(row: Row, values: Mapping[str, str], column: str) -> date | None:
    value = values.get(column)
    if not value:
        return None
    found = _date(value)
    if found is None:
        raise RowProblem(row.line, column, BadDate())
    return found


@lru_cache(maxsize=4096)
def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found.isoformat() == text else None


def _either() -> FingerprintOrContent:
    return FingerprintOrContent()


def _content(row: Row, content: str, reference: str, whose: Whose) -> tuple[str, bytes]:
    """Return the algorithm and the fingerprint of a JSON document with its mark in it."""
    try:
        value = json.parse(content.encode("utf-8"))
        canonical = json.canonical(value)
    except KouanError as error:
        raise RowProblem(row.line, "content", error) from None
    mark = json.find_mark(value)
    if mark is None:
        raise RowProblem(row.line, "content", UnmarkedContent())
    if (str(mark.reference), mark.issuer) != (reference, whose.institution):
        raise RowProblem(row.line, "content", OtherMark(reference=str(mark.reference)))
    return mark.algorithm.value, fingerprint([canonical], mark.algorithm)
