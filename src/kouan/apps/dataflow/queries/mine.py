"""What a person sees of themselves: what they agreed to, what crossed, and who has read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils import timezone

from kouan.apps.dataflow import errors, notices, receipts
from kouan.apps.dataflow.contracts import terms_of
from kouan.apps.dataflow.judging import sensitive_among, told_of
from kouan.apps.dataflow.labels import basis_name, name_of, onward_lines
from kouan.apps.dataflow.models import Contract, DataConsent, ErasureRequest, Record, Use
from kouan.apps.dataflow.register import terms_with
from kouan.core.exchange.models import OutboxMessage
from kouan.core.policy.decide import term_day

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from kouan.apps.dataflow.domain import Terms
    from kouan.apps.dataflow.models import ConsentRequest
    from kouan.web.persons import Person

LATEST: Final = 200
"""Crossings and readings on a page at most; the export has all of them."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a contract as the person reads it: which law it is under, and to whom data may go on."""

    terms: Terms
    day: date
    """On which the consent was given, or the record crossed: the rules of that day name the law."""

    @property
    def basis(self) -> str:
        """Which law's contract it is, and what it rests on besides."""
        title = basis_name(self.terms.basis, settings.NODE.side, self.day)
        return title if self.terms.ground is None else f"{title}: {self.terms.ground.instrument}"

    @property
    def onward(self) -> list[str]:
        """To whom the importer may hand it on, each with its place; one line that says so if to nobody."""
        return onward_lines(self.terms)


@dataclass(frozen=True, slots=True)
class MyConsent:
    """A consent as the person reads it."""

    row: DataConsent
    terms: Terms

    @property
    def stands(self) -> bool:
        """Whether something may cross under it."""
        return self.row.withdrawn_at is None and self.row.expires_at > timezone.now()

    @property
    def version(self) -> Version:
        """The version of the contract that they agreed to, or were told of."""
        return Version(self.terms, term_day(self.row.given_at))

    @property
    def ground(self) -> str:
        """On what ground it crosses without their consent; nothing where they agreed to it."""
        return self.version.basis if self.row.notice else ""

    @property
    def exporter(self) -> str:
        """Who gives the data."""
        return name_of(self.terms.exporter.name)

    @property
    def importer(self) -> str:
        """Who gets it."""
        return name_of(self.terms.importer.name)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the person reads it."""

    row: ConsentRequest
    terms: Terms

    @property
    def digest(self) -> str:
        """Which terms the page shows: an answer is one to these alone."""
        return self.terms.digest().hex()

    @property
    def exporter(self) -> str:
        """Who asks, and gives the data."""
        return name_of(self.terms.exporter.name)

    @property
    def importer(self) -> str:
        """For whom."""
        return name_of(self.terms.importer.name)

    @property
    def plain(self) -> list[str]:
        """The kinds of data that are not sensitive."""
        return [each for each in self.row.elements if each not in sensitive_among(frozenset([each]))]

    @property
    def sensitive(self) -> list[str]:
        """The sensitive kinds."""
        return sorted(sensitive_among(frozenset(self.row.elements)))


@dataclass(frozen=True, slots=True)
class Crossed:
    """One record that crossed: what, when, under what, where in the ledgers, and who has read it."""

    record: Record
    consent: MyConsent
    version: Version
    """The version of the contract that it crossed under: a later one than the consent's may go less far."""
    elements: tuple[str, ...]
    uses: tuple[Use, ...]
    ledger_index: int | None
    peer_ledger_index: int | None
    refused: str
    """Why it never counted on the other side, as a code."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the time line, the newest first: something crossed, was read, or was erased."""

    at: datetime
    what: str
    """``crossed``, ``read`` or ``erased``."""
    crossed: Crossed
    use: Use | None = None


def my_consents(person: Person) -> tuple[list[MyConsent], list[MyConsent]]:
    """Return what the person agreed to: what stands, and what is over; the newest first."""
    rows = list(DataConsent.objects.filter(person__in=notices.names_of(person)).order_by("-given_at"))
    shown = _with_terms(rows)
    return [each for each in shown if each.stands], [each for each in shown if not each.stands]


def my_consent(person: Person, key: uuid.UUID) -> MyConsent:
    """Return one consent of the person; raises ``UnknownConsent`` for anybody else's."""
    found = _with_terms(DataConsent.objects.filter(key=key, person__in=notices.names_of(person)))
    if not found:
        raise errors.UnknownConsent
    return found[0]


def receipt_of(consent: MyConsent) -> dict[str, Any]:
    """Return what a consent's receipt says."""
    return receipts.content(bytes(consent.row.receipt))


def my_erasures(person: Person) -> list[tuple[ErasureRequest, MyConsent]]:
    """Return what the person asked to have erased, and what came of it, the newest first."""
    standing, over = my_consents(person)
    consents = {each.row.pk: each for each in (*standing, *over)}
    rows = ErasureRequest.objects.select_related("consent").filter(consent__in=consents)
    rows = rows.order_by("-asked_at")[:LATEST]
    return [(row, consents[row.consent_id]) for row in rows]


def my_erasure(person: Person, key: uuid.UUID) -> ErasureRequest:
    """Return one answered request of the person; raises ``UnknownErasure`` for anybody else's."""
    row = ErasureRequest.objects.filter(
        key=key, consent__person__in=notices.names_of(person), receipt__isnull=False
    ).first()
    if row is None:
        raise errors.UnknownErasure
    return row


def kept_there(consent: MyConsent) -> int:
    """Return how many records that crossed under it the other side still has."""
    return Record.objects.filter(consent=consent.row, outgoing=True, erased_at=None).count()


def my_crossings(
    person: Person, *, under: MyConsent | None = None, most: int | None = LATEST
) -> list[Crossed]:
    """Return what crossed about the person, or under one of their consents, the newest first."""
    standing, over = ([under], []) if under is not None else my_consents(person)
    consents = {each.row.pk: each for each in (*standing, *over)}
    rows = Record.objects.filter(consent__in=consents, outgoing=True).order_by("-at")
    found = list(rows.prefetch_related("uses")[:most])
    messages = {
        each.message_id: each
        for each in OutboxMessage.objects.filter(message_id__in=[row.message_id for row in found])
    }
    versions = Contract.objects.filter(digest__in={bytes(row.digest) for row in found})
    terms = {bytes(each.digest): terms_of(each) for each in versions}
    return [
        _crossed(row, consents[row.consent_id], terms.get(bytes(row.digest)), messages.get(row.message_id))
        for row in found
    ]


def events(crossings: Sequence[Crossed]) -> list[Event]:
    """Return all that happened, the newest first."""
    found = []
    for each in crossings:
        found.append(Event(each.record.at, "crossed", each))
        found += [Event(use.at, "read", each, use) for use in each.uses]
        if each.record.erased_at is not None and not each.refused:
            found.append(Event(each.record.erased_at, "erased", each))
    return sorted(found, key=lambda event: event.at, reverse=True)


def _crossed(row: Record, consent: MyConsent, terms: Terms | None, message: OutboxMessage | None) -> Crossed:
    return Crossed(
        record=row,
        consent=consent,
        version=Version(terms or consent.terms, term_day(row.at)),
        elements=told_of(row.elements),
        uses=tuple(sorted(row.uses.all(), key=lambda use: use.at)),
        ledger_index=None if message is None else message.ledger_index,
        peer_ledger_index=None if message is None else message.peer_ledger_index,
        refused="" if message is None else message.code,
    )


def _with_terms(rows: Iterable[DataConsent]) -> list[MyConsent]:
    """Return consents with the terms under which they were given: those that the receipt names.

    Whatever has become of that version since. The first receipts named none; theirs are the newest that both
    sides had signed.
    """
    rows = list(rows)
    versions = Contract.objects.filter(
        contract__in={row.contract for row in rows}, signed_here__isnull=False, signed_there__isnull=False
    )
    newest = {each.contract: terms_of(each) for each in versions.order_by("version")}
    found = []
    for row in rows:
        terms = _named(row) or newest.get(row.contract)
        if terms is not None:
            found.append(MyConsent(row, terms))
    return found


def _named(row: DataConsent) -> Terms | None:
    digest, _days = receipts.told(bytes(row.receipt))
    try:
        return terms_with(digest) if digest is not None else None
    except LookupError:
        return None
