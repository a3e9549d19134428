"""The channel's throughput where each message is decided by its contract and consent, and where none is.

The same records go the same way twice, in batches: sent by the app, sealed, posted, let in at the door,
handled, receipted. The second time nothing is decided: ``_open/sitecustomize.py`` lets each process decide
its first message of a kind and take that answer for all others, judge nothing in the handler, and write no
decision down. Python loads it by itself, and no node but these ever sees it. The share of the two says what
deciding and writing it down costs; by CPU as well, since on a busy machine the rates say little.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from _memory import seconds_of
from _server import server
from _table import figures
from channel import pair, run

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDS = int(os.environ.get("KOUAN_BENCH_DECIDED", "6000"))
GROUP = 100
_OPEN = Path(__file__).parent / "_open"

_SET_UP = """
import json, sys, uuid, django
django.setup()
from datetime import timedelta
from django.conf import settings
from django.utils import timezone
from kouan.apps.dataflow.contracts import today
from kouan.apps.dataflow.domain import Terms
from kouan.apps.dataflow.models import Contract, DataConsent, Filing

number, consent = map(uuid.UUID, sys.argv[1:])
side, day, now = settings.NODE.side, today(), timezone.now()
names = dict.fromkeys(("en", "zh_hant", "zh_hans"), "Bank")
party = lambda code, place: {"code": code, "name": names, "registration": "", "place": place}
terms = Terms.model_validate({
    "schema": "kouan-contract/1", "contract": str(number), "version": 1, "replaces": None,
    "basis": "gba-standard-contract", "exporter": party("exporter", "hk"),
    "importer": party("importer", "gd:shenzhen"), "purposes": ["dpv:CreditChecking"],
    "elements": ["person.credit", "person.name"], "persons": 100, "retention_days": 90, "onward": [],
    "assessment": {"digest": "0" * 64, "made_on": day.isoformat()}, "effective": day.isoformat(),
    "expires": (day + timedelta(days=364)).isoformat(),
})
peer = "gd" if side == "hk" else "hk"
row = Contract.objects.create(
    contract=number, version=1, peer=peer, terms=terms.canonical(), digest=terms.digest(), state="signed",
    exporter="hk/exporter", importer="gd/importer", effective=day, expires=day + timedelta(days=364),
    created_at=now, signed_here=b"s", signed_there=b"s",
)
for each in ("gd", "hk"):
    Filing.objects.create(contract=row, side=each, due_on=day + timedelta(days=14), filed_on=day)
DataConsent.objects.create(
    key=consent, contract=number, peer=peer, person="person" if side == "hk" else "", subject="s" * 43,
    elements=["person.credit", "person.name"], separate=["person.credit"], purposes=["dpv:CreditChecking"],
    level=3, given_at=now - timedelta(minutes=1), expires_at=now + timedelta(days=300), receipt=b"r",
)
"""

_PRODUCE = """
import sys, time, uuid, django
django.setup()
from kouan.apps.dataflow import records
from kouan.apps.dataflow.models import Contract, DataConsent
from kouan.core.exchange.models import OutboxMessage
number, consent, count, group = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
contract, held = Contract.objects.get(contract=number), DataConsent.objects.get(key=consent)
values = {"person.name": "x" * 40, "person.credit": "x" * 1900}
unfinished = OutboxMessage.objects.filter(state__in=["waiting", "sealed", "accepted"])

def send(count):
    records.send_many(contract=contract, purpose="dpv:CreditChecking", records=[(held, values)] * count)

send(group)
while unfinished.exists():
    time.sleep(0.02)
started, cpu = time.perf_counter(), time.process_time()
for _ in range(count // group):
    send(group)
while unfinished.exists():
    time.sleep(0.02)
taken = time.perf_counter() - started
assert not OutboxMessage.objects.exclude(state="handled").exists()
print(count / taken, time.process_time() - cpu)
"""


def through(on: str | None = None) -> tuple[float, float]:
    """Return records a second from the first ``send`` to the last "handled" back at the sender.

    And the µs of CPU that each took of who sends it and of both nodes' doors and workers together, which
    say the same whatever else the machine does.
    """
    number, consent = "5f0d3c3e-7b41-4a53-8a55-6f6d5a1f0c11", "6f0d3c3e-7b41-4a53-8a55-6f6d5a1f0c12"
    with pair({"batch_max": 500, "linger_ms": 5}, on) as (nodes, supervisor):
        for node in nodes:
            run(node, _SET_UP, number, consent)
        before = seconds_of(supervisor)
        rate, own = map(float, run(nodes[0], _PRODUCE, number, consent, str(RECORDS), str(GROUP)).split())
        taken = own + seconds_of(supervisor) - before
        return rate, taken / (RECORDS + GROUP) * 1e6


@contextlib.contextmanager
def undecided() -> Iterator[None]:
    """Have the processes that are started meanwhile decide nothing."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(_OPEN) if before is None else f"{_OPEN}{os.pathsep}{before}"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def measure(suffix: str, on: str | None = None) -> dict[str, float]:
    """Return both rates and the share; the one without is measured before and after: a drift shows."""
    with undecided():
        before, cpu_before = through(on)
    decided, cpu = through(on)
    with undecided():
        after, cpu_after = through(on)
    without, cpu_without = (before + after) / 2, (cpu_before + cpu_after) / 2
    return {
        f"decided_cpu_us{suffix}": cpu,
        f"undecided_cpu_us{suffix}": cpu_without,
        f"undecided_cpu_spread{suffix}": abs(cpu_before - cpu_after) / cpu_without,
        f"decided_to_undecided_by_cpu{suffix}": cpu_without / cpu,
        f"decided_per_s{suffix}": decided,
        f"undecided_per_s{suffix}": without,
        f"undecided_spread{suffix}": abs(before - after) / without,
        f"decided_to_undecided{suffix}": decided / without,
    }


def main() -> dict[str, float]:
    """Measure on both databases, if both are there, and return the figures."""
    on = server()
    return measure("") | ({} if on is None else measure("_postgresql", on))


if __name__ == "__main__":
    figures("decided", main())
