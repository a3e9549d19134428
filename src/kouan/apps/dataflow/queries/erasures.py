"""What officers read of persons' requests to erase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.apps.dataflow import clearing, erasing, errors
from kouan.apps.dataflow.contracts import terms_of, today
from kouan.apps.dataflow.judging import told_of
from kouan.apps.dataflow.labels import name_of
from kouan.apps.dataflow.models import Contract, ErasureRequest, Record
from kouan.apps.dataflow.queries.contracts import within

if TYPE_CHECKING:
    import uuid

    from kouan.apps.dataflow.domain import Terms
    from kouan.apps.dataflow.queries.contracts import Reach

SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """A request as officers read it."""

    row: ErasureRequest
    terms: Terms
    contract: Contract
    kept: int
    """How many records are still here, with those that could not be handled yet."""
    elements: tuple[str, ...]

    @property
    def open(self) -> bool:
        """Whether it waits for an answer."""
        return self.row.state == erasing.ASKED

    @property
    def days_left(self) -> int:
        """Days until the answer is due; negative when it is late."""
        return (self.row.due_on - today()).days

    @property
    def exporter(self) -> str:
        """Who gave the data."""
        return name_of(self.terms.exporter.name)

    @property
    def importer(self) -> str:
        """Who has it."""
        return name_of(self.terms.importer.name)


def listed(reach: Reach = None) -> list[Shown]:
    """Return the requests about contracts in reach: those that wait by their day, then the newest answers."""
    rows = (
        ErasureRequest.objects.select_related("consent")
        .filter(consent__person="", consent__contract__in=within(reach).values("contract"))
        .order_by("-asked_at")
    )
    waiting = rows.filter(state=erasing.ASKED).order_by("due_on", "pk")
    return [_shown(row) for row in [*waiting[:SHOWN], *rows.exclude(state=erasing.ASKED)[:SHOWN]]]


def asked(key: uuid.UUID, reach: Reach = None) -> Shown:
    """Return a request in reach that waits for its answer; raises ``UnknownErasure``."""
    row = (
        ErasureRequest.objects.select_related("consent")
        .filter(
            key=key,
            state=erasing.ASKED,
            consent__person="",
            consent__contract__in=within(reach).values("contract"),
        )
        .first()
    )
    if row is None:
        raise errors.UnknownErasure
    return _shown(row)


def waiting(reach: Reach = None) -> int:
    """Return how many requests wait for an answer."""
    return ErasureRequest.objects.filter(
        state=erasing.ASKED,
        consent__person="",
        consent__contract__in=within(reach).values("contract"),
    ).count()


def _shown(row: ErasureRequest) -> Shown:
    contract = Contract.objects.filter(contract=row.consent.contract).order_by("-version").first()
    if contract is None:
        raise errors.UnknownContract
    kept = Record.objects.filter(consent=row.consent, outgoing=False, erased_at=None).count()
    kept += clearing.set_aside(row.consent).count()
    return Shown(row, terms_of(contract), contract, kept, told_of(row.consent.elements))
