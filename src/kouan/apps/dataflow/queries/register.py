"""The register of flows: who sends what to whom, on which basis, and how much of it was denied.

A line for each contract that both sides have signed, whatever law it is under; one for each agreement between
the sides under which data about persons crosses, each way; and one for what was denied for want of either.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db.models import Count, Max, Q

from kouan.apps.dataflow.contracts import terms_of, today
from kouan.apps.dataflow.crossings import DATA_RECORD
from kouan.apps.dataflow.domain import BOUND
from kouan.apps.dataflow.labels import NO_BASIS, basis_name, localised, purpose_name, side_names
from kouan.apps.dataflow.models import Contract, Decision, Record
from kouan.apps.dataflow.proving import declared_types, personal_types
from kouan.apps.dataflow.queries.contracts import within
from kouan.apps.dataflow.standing import counts
from kouan.core import cbor
from kouan.core.exchange.crossing import UndeclaredCrossing, registry
from kouan.core.exchange.models import InboxMessage, KeptAgreement, OutboxMessage
from kouan.core.policy import Denied, policy_of
from kouan.core.policy.elements import personal_among
from kouan.core.text import Localised

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator
    from datetime import datetime

    from kouan.apps.dataflow.domain import Terms
    from kouan.apps.dataflow.queries.contracts import Reach

MOST: Final = 60
"""Contracts on the register's page, and at most so many other lines."""
_MAX_TEXT: Final = 1 << 20


class Rests(StrEnum):
    """What a line of the register rests on."""

    CONTRACT = "contract"
    """A contract of two institutions."""
    AGREEMENT = "agreement"
    """An agreement between the sides."""
    NOTHING = "nothing"
    """Neither: all of it was denied."""


@dataclass(frozen=True, slots=True)
class End:
    """Who sends or receives."""

    side: str
    code: str
    name: Localised


@dataclass(frozen=True, slots=True)
class Flow:
    """One line of the register."""

    rests: Rests
    exporter: End
    importer: End
    basis: str
    """The legal basis as a code: of the rules, or of the agreement's clauses; empty where there is none."""
    basis_name: str
    """What it is called, in the reader's language."""
    number: str
    """The contract's, or the agreement's id; empty where there is none."""
    clauses: tuple[str, ...]
    elements: tuple[str, ...]
    """The kinds of data about persons: those of a contract, or those that the messages may hold."""
    what_for: tuple[str, ...]
    """The purposes of a contract, the kinds of message under an agreement; in the reader's language."""
    codes: tuple[str, ...]
    """The same for programs: terms of DPV, and types of messages."""
    in_force: bool
    """Whether something may cross on it today."""
    state: str
    """How far a contract has come; empty for an agreement."""
    crossed: int
    denied: int
    last_at: datetime | None
    key: str = ""
    """What the contract's page is called in its address."""


def register(reach: Reach = None, *, most: int | None = MOST) -> tuple[list[Flow], int]:
    """Return the register's lines, contracts first, and how many contracts more there are than ``most``.

    For officers of departments only their contracts: an agreement is the whole side's. Of very many
    contracts, those under which most crossed.
    """
    flows, more = _contracts(reach, most)
    if reach is None:
        others = sorted(_others(), key=lambda each: (not each.number, each.number, each.exporter.side))
        flows += others[:MOST]
    return flows, more


def denial_codes() -> frozenset[str]:
    """Return the codes with which a node's policy denies a message, of whatever app."""
    return frozenset(each.code for each in _kinds(Denied))


def _kinds(base: type[Denied]) -> Iterator[type[Denied]]:
    for each in base.__subclasses__():
        yield each
        yield from _kinds(each)


# Contracts


def _signed(reach: Reach) -> dict[uuid.UUID, int]:
    """Return the newest version of each contract in reach that both have signed at some time."""
    rows = within(reach).filter(signed_here__isnull=False, signed_there__isnull=False, state__in=BOUND)
    return dict(rows.order_by("version").values_list("contract", "pk"))


def _contracts(reach: Reach, most: int | None) -> tuple[list[Flow], int]:
    newest = _signed(reach)
    counts: dict[uuid.UUID, int] = dict(
        Record.objects.values("contract").annotate(count=Count("pk")).values_list("contract", "count")
    )
    chosen = sorted(newest, key=lambda each: (-counts.get(each, 0), -newest[each]))[:most]
    last: dict[uuid.UUID, datetime] = dict(
        Record.objects.filter(contract__in=chosen)
        .values("contract")
        .annotate(last=Max("at"))
        .values_list("contract", "last")
    )
    denied: dict[uuid.UUID | None, int] = dict(
        Decision.objects.filter(allowed=False, contract__in=chosen)
        .values("contract")
        .annotate(count=Count("pk"))
        .values_list("contract", "count")
    )
    flows = [
        _of_contract(row, terms_of(row), counts.get(row.contract, 0), denied.get(row.contract, 0), last)
        for row in Contract.objects.filter(pk__in=[newest[each] for each in chosen])
    ]
    flows.sort(key=lambda each: (each.exporter.code, each.importer.code, each.number))
    return flows, len(newest) - len(flows)


def _of_contract(
    row: Contract, terms: Terms, crossed: int, denied: int, last: dict[uuid.UUID, datetime]
) -> Flow:
    day = today()
    return Flow(
        rests=Rests.CONTRACT,
        exporter=End(terms.exporter.side, row.exporter, localised(terms.exporter.name)),
        importer=End(terms.importer.side, row.importer, localised(terms.importer.name)),
        basis=terms.basis,
        basis_name=basis_name(terms.basis, settings.NODE.side, min(max(day, row.effective), row.expires)),
        number=terms.contract,
        clauses=(),
        elements=tuple(terms.elements),
        what_for=tuple(purpose_name(each) for each in terms.purposes),
        codes=tuple(terms.purposes),
        in_force=counts(row.state, row.ended_on, day) and row.effective <= day <= row.expires,
        state=row.state,
        crossed=crossed,
        denied=denied,
        last_at=last.get(row.contract),
        key=bytes(row.digest).hex(),
    )


# Agreements between the sides


@dataclass
class _Counted:
    """What crossed one way under one agreement, or was denied."""

    types: set[tuple[str, int]] = field(default_factory=set)
    clauses: set[str] = field(default_factory=set)
    crossed: int = 0
    denied: int = 0
    last_at: datetime | None = None

    def add(self, row: dict[str, Any], *, denied: bool) -> None:
        self.types.add((row["type"], row["version"]))
        if denied:
            self.denied += row["count"]
        else:
            self.crossed += row["count"]
            self.clauses.add(row["clause"])
            self.last_at = max(filter(None, (self.last_at, row["last"])))


_Way = tuple[str, str, str]
"""An agreement's id, empty for none that this side knows; who sends; who receives."""


def _counted() -> dict[_Way, _Counted]:
    """Count what crossed under agreements, and what was denied without a contract, here or there."""
    personal = Q(type__in=personal_types()) | ~Q(type__in=declared_types())
    found: dict[_Way, _Counted] = {}
    known = _known()
    for model, crossed in ((OutboxMessage, ["accepted", "handled"]), (InboxMessage, ["handled"])):
        rows: Any = model.objects.exclude(type=DATA_RECORD.type).order_by()
        for condition, denied in (
            (Q(state__in=crossed) & personal, False),
            (Q(state="refused", code__in=denial_codes()), True),
        ):
            counts = rows.filter(condition).values("peer", "type", "version", "agreement", "clause")
            for row in counts.annotate(count=Count("pk"), last=Max("created_at")):
                sides = (settings.NODE.side, row["peer"])
                way = sides if model is OutboxMessage else sides[::-1]
                number = row["agreement"] if row["agreement"] in known or not denied else ""
                found.setdefault((number, *way), _Counted()).add(row, denied=denied)
    for row in _without_contract():
        found.setdefault(("", row["sender"], row["receiver"]), _Counted()).add(row, denied=True)
    return found


def _others() -> Iterator[Flow]:
    known, day = _known(), today()
    for (number, sender, receiver), counted in _counted().items():
        said = known.get(number) or _Agreement(None, date.max, date.min, {})
        crossings = [each for each in map(_declared, sorted(counted.types)) if each is not None]
        elements = frozenset[str]().union(*(personal_among(each.always) for each in crossings))
        bases = sorted({said.bases[each] for each in counted.clauses if each in said.bases})
        yield Flow(
            rests=Rests.AGREEMENT if number else Rests.NOTHING,
            exporter=End(sender, sender, side_names(sender)),
            importer=End(receiver, receiver, side_names(receiver)),
            basis=" ".join(bases),
            basis_name=str(said.title or number or NO_BASIS),
            number=number,
            clauses=tuple(sorted(counted.clauses)),
            elements=tuple(sorted(elements)),
            what_for=tuple(str(each.title) for each in crossings),
            codes=tuple(sorted({type_ for type_, _version in counted.types})),
            in_force=said.current and said.effective <= day <= said.expires,
            state="",
            crossed=counted.crossed,
            denied=counted.denied,
            last_at=counted.last_at,
        )


def _without_contract() -> Iterator[dict[str, Any]]:
    """Yield how much this node denied that rests on no contract that counts, or on none, by kind and way."""
    signed = Contract.objects.filter(
        signed_here__isnull=False, signed_there__isnull=False, state__in=BOUND
    ).values("contract")
    rows = Decision.objects.filter(Q(contract=None) | ~Q(contract__in=signed), allowed=False).order_by()
    versions = {each.type: each.version for each in registry.all()}
    for row in rows.values("sender", "receiver", "type").annotate(count=Count("pk")):
        yield row | {"version": versions.get(row["type"], 0)}


def _declared(kind: tuple[str, int]) -> Any:
    try:
        return registry.get(*kind)
    except UndeclaredCrossing:
        return None


@dataclass(frozen=True, slots=True)
class _Agreement:
    """What the register says of an agreement between the sides."""

    title: Localised | None
    effective: date
    expires: date
    bases: dict[str, str]
    """The legal basis of each clause."""
    current: bool = False
    """Whether its text is among those that count here now."""


def _known() -> dict[str, _Agreement]:
    """Return the agreements that this side holds, or has held, by their ids."""
    found: dict[str, _Agreement] = {}
    for row in KeptAgreement.objects.order_by("pk").only("agreement", "source"):
        source = bytes(row.source)
        if source[:1] != b"{":  # the text of a contract is JSON
            found[row.agreement] = _read(source)
    for each in policy_of(settings.NODE.agreements).agreements:
        bases = {clause.id: clause.legal_basis for clause in each.clauses}
        found[each.id] = _Agreement(each.title, each.effective, each.expires, bases, current=True)
    return found


def _read(source: bytes) -> _Agreement:
    value: Any = cbor.decode(source, max_bytes=_MAX_TEXT)  # it was checked when it was kept
    return _Agreement(
        title=Localised.from_mapping(value["title"], where="title"),
        effective=date.fromisoformat(value["effective"]),
        expires=date.fromisoformat(value["expires"]),
        bases={clause["id"]: clause["legal_basis"] for clause in value["clauses"]},
    )
