"""What officers see: contracts, their terms in words, who signed, what is to be filed and until when."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from django.conf import settings
from django.db.models import Min, Q
from django.utils.translation import gettext, pgettext

from kouan.apps.dataflow import errors, labels, notices, odrl, statements
from kouan.apps.dataflow.contracts import terms_of, today
from kouan.apps.dataflow.crossings import (
    CONSENT_GIVEN,
    CONSENT_TAKEN_BACK,
    CONTRACT_ENDED,
    CONTRACT_FILED,
    ERASURE_ANSWERED,
    NOTICE_GIVEN,
)
from kouan.apps.dataflow.domain import State
from kouan.apps.dataflow.judging import asks_consent, rules_for
from kouan.apps.dataflow.models import Contract, DataConsent, Filing
from kouan.apps.dataflow.standing import counting, counts
from kouan.core.exchange.models import OutboxMessage
from kouan.core.exchange.opening import Expired
from kouan.core.policy import Denied
from kouan.core.sides import side_name
from kouan.web.filters import date_long

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from django.db.models import QuerySet

    from kouan.apps.dataflow.domain import Terms
    from kouan.apps.dataflow.rules import Document

_OF_CONTRACT: Final = (CONTRACT_ENDED.type, CONTRACT_FILED.type)
_OF_PERSONS: Final = (CONSENT_GIVEN.type, NOTICE_GIVEN.type, CONSENT_TAKEN_BACK.type, ERASURE_ANSWERED.type)
"""What crosses in the conversation of a consent or a notice, and tells of what is done."""
SHOWN: Final = 200
"""Contracts on the list at most, the newest first."""


@dataclass(frozen=True, slots=True)
class FilingShown:
    """One side's filing as officers read it."""

    side: str
    authority: str
    due_on: date
    uncertain: bool
    """Whether a calendar was missing when it was counted, and every day counts."""
    filed_on: date | None
    reference: str
    days_left: int
    """Days from today to the last one; negative when it is over."""
    documents: tuple[Document, ...]

    @property
    def ours(self) -> bool:
        """Whether it is for this side's party to do."""
        return self.side == settings.NODE.side

    @property
    def overdue(self) -> bool:
        """Whether its last day went by without it."""
        return self.filed_on is None and self.days_left < 0

    @property
    def urgent(self) -> bool:
        """Whether its officers are to be reminded."""
        return self.filed_on is None and self.days_left <= settings.NODE.watch.filing_days


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed for a side, and whether the signature holds."""

    side: str
    officer: str
    at: datetime | None
    holds: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A version of a contract as officers read it."""

    row: Contract
    terms: Terms
    filings: tuple[FilingShown, ...]

    @property
    def key(self) -> str:
        """What its address calls it."""
        return bytes(self.row.digest).hex()

    @property
    def state(self) -> State:
        """How far it has come."""
        return State(self.row.state)

    @property
    def theirs(self) -> bool:
        """Whether the other side proposed it and this side has not answered."""
        return self.state is State.PROPOSED and self.row.signed_here is None

    @property
    def counts(self) -> bool:
        """Whether both are bound by it: also by one that is replaced, until the later version begins."""
        return counts(self.row.state, self.row.ended_on, today())

    @property
    def in_force(self) -> bool:
        """Whether today lies in the term of what both have signed."""
        return self.counts and self.row.effective <= today() <= self.row.expires

    @property
    def asks(self) -> bool:
        """Whether persons are asked for their consent under it, now and from this side."""
        ours = self.terms.exporter.side == settings.NODE.side
        if not ours or not self.in_force or self.state is not State.SIGNED:
            return False
        with contextlib.suppress(Denied):  # the rules of today may know no such contract any more
            return asks_consent(self.terms, today())
        return False

    @property
    def over(self) -> bool:
        """Whether its term has gone by."""
        return today() > self.row.expires

    @property
    def days(self) -> int:
        """The days of its term."""
        return (self.row.expires - self.row.effective).days + 1

    @property
    def days_gone(self) -> int:
        """How many of them have gone by."""
        return max(0, min(self.days, (today() - self.row.effective).days))

    @property
    def days_left(self) -> int:
        """Days from today to its last one; negative when it is over."""
        return (self.row.expires - today()).days

    @property
    def ends_soon(self) -> bool:
        """Whether it is in force and ends within a month."""
        return self.in_force and self.days_left <= settings.NODE.watch.contract_days

    @property
    def exporter(self) -> str:
        """The exporter's name in the reader's language."""
        return labels.name_of(self.terms.exporter.name)

    @property
    def importer(self) -> str:
        """The importer's name in the reader's language."""
        return labels.name_of(self.terms.importer.name)

    @property
    def kind(self) -> str:
        """Which law's contract it is."""
        return labels.basis_name(self.terms.basis, settings.NODE.side, max(today(), self.row.effective))


def shown(row: Contract) -> Shown:
    """Return a version as officers read it."""
    terms = terms_of(row)
    return Shown(row, terms, tuple(_filing(terms, each) for each in row.filings.order_by("side")))


Reach: TypeAlias = frozenset[str] | None
"""The departments for which somebody acts; None: the whole side."""


def by_key(key: str, reach: Reach = None) -> Contract:
    """Return the version with this digest in hexadecimal, if it is in reach; raises ``UnknownContract``."""
    try:
        digest = bytes.fromhex(key)
    except ValueError:
        raise errors.UnknownContract from None
    found = within(reach).filter(digest=digest).first()
    if found is None:
        raise errors.UnknownContract
    return found


def within(reach: Reach) -> QuerySet[Contract]:
    """Return the contracts of these departments, and those that are nobody's yet."""
    rows = Contract.objects.all()
    return rows if reach is None else rows.filter(department__in=["", *reach])


def listed(reach: Reach = None) -> list[Shown]:
    """Return the contracts in reach, what is under way before what is over, the newest first."""
    rows = within(reach).prefetch_related("filings").order_by("-created_at")[:SHOWN]
    begun = {State.DRAFT, State.PROPOSED}

    def place(each: Shown) -> tuple[bool, bool]:
        return (each.state not in begun and not each.counts, each.over)

    return sorted((shown(row) for row in rows), key=place)


def versions(row: Contract) -> list[Contract]:
    """Return all versions of a contract, the newest first."""
    return list(Contract.objects.filter(contract=row.contract).order_by("-version"))


def before(terms: Terms) -> Terms | None:
    """Return the terms that these take the place of, if there are any."""
    if terms.replaces is None:
        return None
    found = Contract.objects.filter(digest=bytes.fromhex(terms.replaces)).first()
    return None if found is None else terms_of(found)


def signatures(row: Contract) -> list[Signature]:
    """Return who has signed, our side first."""
    found = []
    for side, data in ((settings.NODE.side, row.signed_here), (row.peer, row.signed_there)):
        if data is None:
            continue
        try:
            said = statements.read(bytes(data), side=side, digest=bytes(row.digest))
            found.append(Signature(side, said.officer, said.at, holds=True))
        except errors.BadSignature:
            found.append(Signature(side, "", None, holds=False))
    return found


def untold(row: Contract) -> list[tuple[str, str]]:
    """Return what the other side could not be told of a contract, each kind with why, unless it waits.

    Also of the consents and notices under it, their withdrawals and answers to requests to erase. A refusal
    waits for an operator; what only came too late is told again by itself (``telling``).
    """
    if row.state not in {State.SIGNED, State.ENDED}:
        return []
    under = DataConsent.objects.filter(contract=row.contract).values("key")
    refused = OutboxMessage.objects.filter(
        Q(conversation=row.contract, type__in=_OF_CONTRACT) | Q(conversation__in=under, type__in=_OF_PERSONS),
        peer=row.peer,
        state=OutboxMessage.State.REFUSED,
        dismissed=False,
    ).exclude(code=Expired.code)
    kinds = refused.values_list("type", "code").annotate(first=Min("pk")).order_by("first")
    return [(labels.message_name(type_), labels.denied_because(code)) for type_, code, _first in kinds]


def policy_of(row: Contract) -> dict[str, Any]:
    """Return a version as an ODRL policy: an Agreement once both sides have signed it."""
    terms = terms_of(row)
    agreed = row.signed_here is not None and row.signed_there is not None
    basis = notices.basis_of(terms, settings.NODE.side, max(terms.first_day, today()))
    return odrl.of_terms(terms, agreed=agreed, basis=basis)


def due(reach: Reach = None) -> tuple[int, int]:
    """Return how many filings of this side are due within days, and how many contracts end within a month."""
    day, watch = today(), settings.NODE.watch
    open_filings = Filing.objects.filter(
        counting(day, at="contract__"),
        contract__in=within(reach),
        side=settings.NODE.side,
        filed_on__isnull=True,
        due_on__lte=day + timedelta(days=watch.filing_days),
    )
    ending = within(reach).filter(
        state=State.SIGNED,
        effective__lte=day,
        expires__gte=day,
        expires__lte=day + timedelta(days=watch.contract_days),
    )
    return open_filings.count(), ending.count()


# What became of it


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a contract's life, as the time line shows it."""

    state: str
    title: str
    text: str = ""
    at: datetime | None = None


def history(seen: Shown, signed: Sequence[Signature]) -> list[Step]:
    """Return a version's steps: what was done, and what is to come."""
    row = seen.row
    by = {each.side: each for each in signed}
    steps = [Step("done", gettext("Came to be on this node"), at=row.created_at)]
    never = datetime.max.replace(tzinfo=UTC)
    sides = [settings.NODE.side, row.peer]
    for side in sorted(sides, key=lambda each: (each in by and by[each].at) or never):
        title = gettext("Signed for %(side)s") % {"side": side_name(side)}
        if side in by:
            steps.append(Step("done" if by[side].holds else "failed", title, by[side].officer, by[side].at))
        elif seen.state in {State.DRAFT, State.PROPOSED}:
            steps.append(Step("current" if seen.state is State.PROPOSED else "waiting", title))
    if seen.state is State.REFUSED:
        why = labels.undelivered_because(row.reason) or row.reason
        steps.append(Step("failed", pgettext("contract", "Refused"), why))
        return steps
    steps += [_filing_step(each) for each in seen.filings]
    if seen.state is State.REPLACED and row.ended_on:
        steps.append(Step("done", gettext("Replaced by a later version"), date_long(row.ended_on)))
    elif seen.state is State.ENDED and row.ended_on:
        by_whom = gettext("Ended by %(side)s") % {"side": side_name(row.ended_by)}
        steps.append(Step("failed", by_whom, f"{date_long(row.ended_on)}: {row.reason}"))
    elif seen.state is State.SIGNED:
        last = gettext("Ends on %(day)s") % {"day": date_long(row.expires)}
        steps.append(Step("done" if seen.over else "waiting", last))
    return steps


def _filing_step(filing: FilingShown) -> Step:
    title = gettext("Filed in %(side)s") % {"side": side_name(filing.side)}
    if filing.filed_on is not None:
        return Step("done", title, f"{date_long(filing.filed_on)}, {filing.reference}")
    until = gettext("due by %(day)s") % {"day": date_long(filing.due_on)}
    return Step("failed" if filing.overdue else "current", title, until)


def _filing(terms: Terms, row: Filing) -> FilingShown:
    authority = ""
    documents: tuple[Document, ...] = ()
    with contextlib.suppress(Denied):  # the rules of today may know no such contract any more
        _rule, basis = rules_for(terms, row.side, max(terms.first_day, today()))
        authority, documents = str(basis.authority or ""), basis.documents
    return FilingShown(
        side=row.side,
        authority=authority,
        due_on=row.due_on,
        uncertain=row.uncertain,
        filed_on=row.filed_on,
        reference=row.reference,
        days_left=(row.due_on - today()).days,
        documents=documents,
    )
