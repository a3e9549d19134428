"""How long one message takes when few are under way: from ``send`` here to handled over there."""

from __future__ import annotations

import statistics

PER_SECOND = 100
SECONDS = 10

SEND = """
import sys, time, django
django.setup()
from django.db import transaction
from kouan.core.exchange.crossings import PROBE, Probe
from kouan.core.exchange.models import OutboxMessage
from kouan.core.exchange.outbox import send
rate, seconds, size = map(int, sys.argv[1:])
def one():
    with transaction.atomic():
        return send(PROBE, to="gd", payload=Probe(padding=bytes(size)))
for _ in range(rate):  # both nodes are warm when it begins
    one()
    time.sleep(1 / rate)
began = time.perf_counter()
ids = []
for number in range(rate * seconds):
    ids.append(one())
    time.sleep(max(0.0, began + (number + 1) / rate - time.perf_counter()))
while OutboxMessage.objects.filter(state__in=["waiting", "sealed", "accepted"]).exists():
    time.sleep(0.05)
for row in OutboxMessage.objects.filter(message_id__in=ids):
    print(row.message_id, row.created_at.timestamp())
"""

HANDLED = """
import django
django.setup()
from kouan.core.exchange.models import InboxMessage
for row in InboxMessage.objects.filter(state="handled"):
    print(row.message_id, row.finished_at.timestamp())
"""


def milliseconds(sent: str, handled: str) -> list[float]:
    """Return how long each message took, from what ``SEND`` and ``HANDLED`` printed."""
    ended = dict(line.split() for line in handled.splitlines())
    return [(float(ended[key]) - float(began)) * 1000 for key, began in map(str.split, sent.splitlines())]


def figures(taken: list[float]) -> dict[str, float]:
    """Return the flat figures of a crossing's time."""
    hundredths = statistics.quantiles(taken, n=100)
    return {
        "crossing_p50_ms": statistics.median(taken),
        "crossing_p99_ms": hundredths[98],
        "crossings_per_s": PER_SECOND,
    }
