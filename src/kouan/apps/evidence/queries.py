"""What people see: a person of their own evidence, a department of its records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.core.paginator import Paginator
from django.utils import timezone

from kouan.apps.evidence import broker, issuing, statuses
from kouan.apps.evidence.domain import ZONE, State, wire_name
from kouan.apps.evidence.errors import UnknownRecord
from kouan.apps.evidence.issuers import own_issuer, peer_issuers
from kouan.apps.evidence.kinds import catalogue
from kouan.apps.evidence.models import Credential, EvidenceRecord, Showing, StatusList
from kouan.core.credentials import Holder
from kouan.core.text import LANGUAGES
from kouan.web import persons

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from django.core.paginator import Page

    from kouan.apps.evidence.domain import EvidenceType, Requirement
    from kouan.apps.evidence.issuers import KnownType
    from kouan.core.credentials import Offer
    from kouan.core.text import Localised
    from kouan.web.persons import Matter, Person

PER_PAGE: Final = 25
LATEST: Final = 100
SOON: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Card:
    """A piece of evidence as the person sees it."""

    offer: Offer
    proves: Sequence[Localised]
    shown: int
    """How often it was shown."""
    ends_soon: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """A requirement, and the types of each side that meet it."""

    requirement: Requirement
    sides: Sequence[tuple[str, Sequence[KnownType]]]


@dataclass(frozen=True, slots=True)
class Shown:
    """One showing of a piece of evidence."""

    row: Showing
    title: str
    claims: Sequence[str]
    over: bool
    """Whether what was shown counts no more: it has ended, or was taken back."""
    matter: Matter | None
    """What it was shown for, where the app whose matter it is still knows it."""


def holder_of(person: Person) -> Holder:
    """Return a signed-in resident as the broker knows them."""
    return Holder(person.key, person.level, person.document_number, person.document_type)


def my_cards(person: Person) -> list[Card]:
    """Return a person's evidence, department by department as the types are listed."""
    known = catalogue()
    counts: dict[int, int] = {}
    for pk in Showing.objects.filter(person=person.key, record__isnull=False).values_list(
        "record_id", flat=True
    ):
        counts[pk] = counts.get(pk, 0) + 1
    return [
        _card(row, known.types[row.type], counts.get(row.pk, 0))
        for row in broker.held(holder_of(person), known.types)
    ]


def my_card(person: Person, key: uuid.UUID) -> tuple[Card, EvidenceRecord, EvidenceType]:
    """Return one piece of a person's evidence; raises ``OfferGone`` or ``EvidenceLevelTooLow``."""
    row, type_ = broker.record_of(holder_of(person), key)
    shown = Showing.objects.filter(person=person.key, record=row).count()
    return _card(row, type_, shown), row, type_


def _card(row: EvidenceRecord, type_: EvidenceType, shown: int) -> Card:
    known = catalogue().requirements
    offer = broker.offer_of(row, type_)
    ends_soon = offer.expires_at is not None and offer.expires_at - timezone.now() < SOON
    return Card(offer, [known[each].title for each in sorted(type_.requirements)], shown, ends_soon)


def my_showings(person: Person, record: EvidenceRecord | None = None) -> list[Shown]:
    """Return what a person showed or took out, the latest first."""
    rows = (
        Showing.objects.filter(person=person.key)
        .select_related("credential", "record")
        .order_by("-at", "-id")
    )
    if record is not None:
        rows = rows.filter(record=record)
    types, now = catalogue().types, timezone.now()
    found = []
    for row in rows[:LATEST]:
        type_ = types.get(row.type)
        titles = {} if type_ is None else {claim.name: str(claim.title) for claim in type_.claims}
        ended = row.credential is not None and (
            row.credential.expires_at is not None and row.credential.expires_at <= now
        )
        stands = row.record is not None and row.record.state == State.VALID
        found.append(
            Shown(
                row,
                row.type if type_ is None else str(type_.title),
                [titles.get(name, name) for name in row.claims],
                over=ended or not stands,
                matter=persons.matter(person, row.matter) if row.matter else None,
            )
        )
    return found


def accepted() -> list[Accepted]:
    """Return what each requirement is proved by, on this side and on each other that announced its types."""
    issuers = [own_issuer(), *peer_issuers()]
    return [
        Accepted(
            each,
            [
                (issuer.side, [type_ for type_ in issuer.types.values() if each.code in type_.requirements])
                for issuer in issuers
            ],
        )
        for each in catalogue().requirements.values()
    ]


def types_for(departments: Collection[str] | None) -> list[EvidenceType]:
    """Return the types of some departments, or of all."""
    known = catalogue().types.values()
    return [each for each in known if departments is None or each.department in departments]


def records(
    departments: Collection[str] | None, *, reference: str = "", type_: str = "", page: str = ""
) -> Page[EvidenceRecord]:
    """Return a page of records of some departments, or of all; the latest change first."""
    rows = EvidenceRecord.objects.order_by("-changed_at", "-id")
    if departments is not None:
        rows = rows.filter(department__in=list(departments))
    if reference:
        rows = rows.filter(reference__startswith=reference[:64])
    if type_:
        rows = rows.filter(type=type_)
    return Paginator(rows, PER_PAGE).get_page(page)


def record(departments: Collection[str] | None, key: uuid.UUID) -> EvidenceRecord:
    """Return a record of some departments, or of all; raises ``UnknownRecord``."""
    rows = EvidenceRecord.objects.filter(key=key)
    if departments is not None:
        rows = rows.filter(department__in=list(departments))
    found = rows.first()
    if found is None:
        raise UnknownRecord
    return found


def issued(row: EvidenceRecord) -> list[tuple[str, datetime, datetime | None]]:
    """Return the credentials that were issued from a record, the latest first: for what, when, until when."""
    rows = row.credentials.order_by("-issued_at", "-id")[:LATEST]
    return [(each.kind, each.issued_at, each.expires_at) for each in rows]


def today() -> Any:
    """Return the day on which records are judged now."""
    return timezone.now().astimezone(ZONE).date()


def metadata(code: str) -> dict[str, Any] | None:
    """Return the description of a type (SD-JWT VC, type metadata); ``None`` for no type of this side."""
    type_ = catalogue().types.get(code)
    if type_ is not None:
        title: dict[str, str] = type_.title.as_mapping()
        claims = {wire_name(claim.name): claim.title.as_mapping() for claim in type_.claims}
        optional = {wire_name(claim.name) for claim in type_.claims if claim.optional}
    else:
        row = Credential.objects.filter(type=code, kind=Credential.Kind.DECISION).order_by("-id").first()
        if row is None or row.about is None:
            return None
        title, claims, optional = row.about["title"], row.about["labels"], set()
    return {
        "vct": issuing.vct_of(code),
        "name": title["en"],
        "display": [{"locale": _TAGS[tag], "name": title[tag]} for tag in LANGUAGES],
        "claims": [
            {
                "path": [name],
                "display": [{"locale": _TAGS[tag], "label": texts[tag]} for tag in LANGUAGES],
                "mandatory": name not in optional,
                "sd": "always",
            }
            for name, texts in claims.items()
        ],
    }


def status_list(number: int) -> str | None:
    """Return a status list of this side as it is signed now."""
    row = StatusList.objects.filter(pk=number).first()
    return None if row is None else statuses.token_of(row)


_TAGS: Final = {"en": "en", "zh-hant": "zh-Hant", "zh-hans": "zh-Hans"}
