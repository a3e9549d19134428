"""The trust lists for programs, part of the JSON API; everything here is public."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from django.http import HttpRequest  # noqa: TC002 - read by the framework at run time
from django.urls import reverse
from ninja import Query, Router, Schema
from pydantic import Field, StringConstraints

from kouan.apps.signing.lists import queries
from kouan.apps.signing.lists.certificates import facts
from kouan.apps.signing.lists.domain import CertificateType, Reason  # noqa: TC001 - as above
from kouan.apps.signing.lists.entries import begins

if TYPE_CHECKING:
    from kouan.apps.signing.lists.domain import Edition, Entry

router = Router(tags=["Signing"])

Side = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,16}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Policy = Annotated[str, StringConstraints(max_length=100)]
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2999, 12, 31))]
Stands = Literal["recognised", "superseded", "withdrawn", "not-yet", "ended", "not-listed"]


class TrustListNames(Schema):
    """The same words in the three scripts."""

    en: str
    zh_hant: Annotated[str, Field(alias="zh-hant")]
    zh_hans: Annotated[str, Field(alias="zh-hans")]


class TrustListContact(Schema):
    """Where somebody is reached, in English and, where it is given, in Chinese."""

    street: str
    locality: str
    postal_code: str
    country: Annotated[str, Field(description="ISO 3166-1, two letters.")]
    street_zh: str
    locality_zh: str
    email: str
    website: str


class TrustListStatus(Schema):
    """From when on an entry stands in a way."""

    status: Literal["recognised", "superseded", "withdrawn"]
    since: datetime
    reason: str


class TrustListEntryOut(Schema):
    """An entry of a trust list."""

    code: str
    name: TrustListNames
    provider: TrustListNames
    contact: TrustListContact | None
    certificate_type: CertificateType
    root: Annotated[str, Field(description="SHA-256 of the root CA's certificate.")]
    issuing_ca: Annotated[str, Field(description="SHA-256 of the issuing CA's certificate.")]
    issuing_ca_subject: str
    recognised_from: datetime
    recognised_until: Annotated[datetime, Field(description="The first moment without recognition.")]
    policy_prefix: str
    type_policies: list[str]
    history: list[TrustListStatus]
    demonstration: bool


class TrustListOut(Schema):
    """The newest edition of a side's list."""

    side: str
    sequence: int
    issued_at: datetime
    next_update: datetime
    digest: Annotated[str, Field(description="SHA-256 of the signed list.")]
    jws: Annotated[str, Field(description="The address of the signed list.")]
    publisher: TrustListContact | None
    entries: list[TrustListEntryOut]


class TrustListDay(Schema):
    """How an entry stood on a day."""

    recognised: bool
    stood: Stands
    edition: Annotated[int | None, Field(description="The edition in force on that day.")]
    stood_by_that_edition: Stands


class RecognitionOut(Schema):
    """Whether the lists recognise a certificate."""

    recognised: bool
    reason: Reason
    side: str | None
    entry: str | None
    sequence: int | None
    digest: str | None
    overdue: Annotated[
        bool, Field(description="Whether that list's next edition should be here: then it counts for none.")
    ]


@router.get(
    "/trust-lists",
    response=list[TrustListOut],
    by_alias=True,
    url_name="trust-lists",
    summary="The trust lists of both sides",
)
def trust_lists(request: HttpRequest) -> list[dict[str, Any]]:  # noqa: ARG001 - the framework's signature
    """Return the newest edition of each side's list."""
    return [_list(each) for each in queries.current()]


@router.get(
    "/trust-lists/{side}/entries/{code}/on/{day}",
    response=TrustListDay,
    url_name="trust-list-day",
    summary="How an entry stood on a day",
)
def on_day(request: HttpRequest, side: Side, code: Code, day: Day) -> dict[str, Any]:  # noqa: ARG001 - the framework's signature
    """Return how an entry stood at noon of a day, Hong Kong time."""
    noon = begins(day).replace(hour=12)
    queries.row_of(side)
    answer = queries.on_day(side, code, noon)
    return {
        "recognised": answer.recognised,
        "stood": answer.stood,
        "edition": None if answer.in_force is None else answer.in_force.sequence,
        "stood_by_that_edition": answer.stood_then,
    }


class CertificateAsked(Schema):
    """Which certificate it is asked about, and when it signed."""

    root: Annotated[Fingerprint, Field(description="SHA-256 of the root CA's certificate.")]
    issuing_ca: Annotated[Fingerprint, Field(description="SHA-256 of the issuing CA's certificate.")]
    at: Annotated[datetime, Field(description="The best signature time; without a zone it is UTC.")]
    policies: Annotated[list[Policy], Field(description="The certificate's policies.", max_length=50)] = []
    certificate_type: CertificateType | None = None
    issued_at: Annotated[
        datetime | None,
        Field(
            description="The beginning of the certificate's validity; where its CA was superseded, none is "
            "recognised without it."
        ),
    ] = None


@router.get(
    "/recognition",
    response=RecognitionOut,
    url_name="recognition",
    summary="Whether the lists recognise a certificate",
)
def recognition(request: HttpRequest, asked: Query[CertificateAsked]) -> dict[str, Any]:  # noqa: ARG001 - the framework's signature
    """Return whether a certificate under these CAs was recognised at a moment, and if not, why.

    The certificate itself is not sent: whether it was issued by that CA is for whoever has it to check.
    """
    known = {
        print_: der
        for edition in queries.current()
        for entry in edition.entries
        for print_, der in (
            (entry.root_fingerprint, entry.root),
            (entry.issuing_fingerprint, entry.issuing_ca),
        )
    }
    found = queries.recognised(
        root=known.get(asked.root, b""),
        issuing_ca=known.get(asked.issuing_ca, b""),
        certificate_type=asked.certificate_type,
        policies=asked.policies,
        at=_aware(asked.at),
        issued_at=None if asked.issued_at is None else _aware(asked.issued_at),
    )
    edition = found.edition
    return {
        "recognised": found.recognised and not found.overdue,
        "reason": found.reason,
        "side": None if edition is None else edition.side,
        "entry": None if found.entry is None else found.entry.code,
        "sequence": None if edition is None else edition.sequence,
        "digest": None if edition is None else edition.digest.hex(),
        "overdue": found.overdue,
    }


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _list(edition: Edition) -> dict[str, Any]:
    return {
        "side": edition.side,
        "sequence": edition.sequence,
        "issued_at": edition.issued_at,
        "next_update": edition.next_update,
        "digest": edition.digest.hex(),
        "jws": reverse("signing:download", args=[edition.side, edition.sequence, "jws"]),
        "publisher": None if edition.publisher is None else asdict(edition.publisher),
        "entries": [_entry(each) for each in edition.entries],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "code": entry.code,
        "name": entry.name.as_mapping(),
        "provider": entry.provider.as_mapping(),
        "contact": None if entry.contact is None else asdict(entry.contact),
        "certificate_type": entry.certificate_type,
        "root": entry.root_fingerprint,
        "issuing_ca": entry.issuing_fingerprint,
        "issuing_ca_subject": facts(entry.issuing_ca).subject,
        "recognised_from": entry.recognised_from,
        "recognised_until": entry.recognised_until,
        "policy_prefix": entry.policy_prefix,
        "type_policies": list(entry.type_policies),
        "history": [
            {"status": each.status, "since": each.since, "reason": each.reason} for each in entry.history
        ],
        "demonstration": entry.demonstration,
    }
