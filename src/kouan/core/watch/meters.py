"""The node's Prometheus metrics: every name, and what it counts.

Labels are a side's code, a process, a route, a status or a result: never a person, never a message.
Each process counts for itself and starts from zero; ``figures`` are read from the database by the worker.
"""

from __future__ import annotations

import platform
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from kouan import __version__
from kouan.core.watch.spread import Spread

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which nobody asks for
REGISTRY: Final = CollectorRegistry()
"""Everything that this process tells; nothing else registers here by accident."""
FIGURES: Final = CollectorRegistry()
"""What is read from the database: told only by the process that has read it, see ``tell_figures``."""

_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_BYTES: Final = tuple(float(1 << shift) for shift in range(10, 25, 2))


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(f"kouan_{name}", text, labels, registry=REGISTRY)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(f"kouan_{name}", text, labels, registry=FIGURES)


def _spread(name: str, text: str, label: str, bounds: tuple[float, ...]) -> Spread:
    made = Spread(f"kouan_{name}", text, label, bounds)
    REGISTRY.register(made)
    return made


# The channel, in worker and door

SENT: Final = _counter("messages_sent", "Messages sealed into a batch for a peer.", "peer")
RECEIPTED: Final = _counter(
    "messages_receipted", "Our messages whose receipt is here: accepted or refused.", "peer", "result"
)
ENDED: Final = _counter(
    "messages_ended", "Our messages that the peer says it has handled or refused.", "peer", "result"
)
RECEIVED: Final = _counter(
    "messages_received", "A peer's messages at our door: accepted, refused or repeated.", "peer", "result"
)
HANDLED: Final = _counter(
    "messages_handled", "A peer's messages that ended here: handled, refused or failed.", "peer", "result"
)
POSTS_FAILED: Final = _counter(
    "posts_failed", "Batches that were posted without a receipt coming back.", "peer"
)
BATCH_SENT: Final = _spread("batch_sent_messages", "Messages in a batch that we sealed.", "peer", _SIZES)
BATCH_SENT_BYTES: Final = _spread("batch_sent_bytes", "Bytes of a batch that we sealed.", "peer", _BYTES)
BATCH_RECEIVED: Final = _spread(
    "batch_received_messages", "Messages in a batch that we took in.", "peer", _SIZES
)
BATCH_RECEIVED_BYTES: Final = _spread(
    "batch_received_bytes", "Bytes of a batch that we took in.", "peer", _BYTES
)
SEND_TO_RECEIPT: Final = _spread(
    "send_to_receipt_seconds", "From a message's sending to its receipt, each message.", "peer", _SECONDS
)
RECEIPT_TO_HANDLED: Final = _spread(
    "receipt_to_handled_seconds", "From our receipt to a message's end here, each message.", "peer", _SECONDS
)

# Requests at the door and the portal

DOOR: Final = _counter("door_requests", "Requests that the door has answered.", "route", "status")
DOOR_SECONDS: Final = _spread(
    "door_request_seconds", "From a request's head to its answer.", "route", _SECONDS
)
PORTAL: Final = _counter("portal_requests", "Requests that the portal has answered.", "view", "status")
PORTAL_SECONDS: Final = _spread(
    "portal_request_seconds", "From the whole request to the beginning of its answer.", "view", _SECONDS
)

# Figures, as the worker read them from the database last

FIGURES_AT: Final = _gauge("figures_timestamp_seconds", "When the figures and alarms were read, Unix time.")
OUTBOX: Final = _gauge("outbox_waiting", "Messages that wait to be sealed for a peer.", "peer")
OUTBOX_OLDEST: Final = _gauge(
    "outbox_oldest_seconds", "Age of the oldest message without a receipt; 0 if there is none.", "peer"
)
CONTACT: Final = _gauge(
    "peer_contact_timestamp_seconds", "When the peer was last heard, Unix time; 0 for never.", "peer"
)
UNWITNESSED: Final = _gauge(
    "unwitnessed_seconds",
    "Age of our oldest checkpoint that the witness has not co-signed; 0 if none.",
    "witness",
)
COSIGNED: Final = _gauge(
    "cosignature_timestamp_seconds", "When the witness last co-signed, Unix time; 0 for never.", "witness"
)
INBOX: Final = _gauge("inbox_waiting", "Messages of peers that wait for their handlers.")
INBOX_OLDEST: Final = _gauge("inbox_oldest_seconds", "Age of the oldest of them; 0 if there is none.")
DEAD_LETTERS: Final = _gauge("dead_letters", "Dead letters that nobody has dealt with, up to 1000.")
INCIDENTS: Final = _gauge("incidents", "Incidents on record.")
EQUIVOCATIONS: Final = _gauge("equivocations", "Contradictions of other ledgers on record, up to 1000.")
LEDGER: Final = _gauge("ledger_entries", "Entries of our ledger.")
CHECKPOINT: Final = _gauge(
    "checkpoint_timestamp_seconds", "When our newest checkpoint was signed, Unix time; 0 for never."
)
KEY_ENDS: Final = _gauge(
    "key_ends_timestamp_seconds", "When the newest key of a use ends, Unix time.", "side", "use"
)
DISK: Final = _gauge("disk_free_bytes", "Free space where the node's data is.")
ALARM: Final = _gauge("alarm", "1 while an alarm is raised.", "alarm", "about")

BUILD: Final = Info("kouan_build", "Which program this is, and whose.", registry=REGISTRY)


def describe(*, process: str, side: str) -> None:
    """Say whose process this is, and tell of its memory, files, time and garbage."""
    BUILD.info(
        {"version": __version__, "python": platform.python_version(), "process": process, "side": side}
    )
    if not _described:
        kinds = (ProcessCollector, PlatformCollector, GCCollector)
        _described.extend(kind(registry=REGISTRY) for kind in kinds)


def tell_figures() -> None:
    """Tell the figures from now on: they are set. Others would tell zeros, which are not true."""
    if not _figures_told:
        REGISTRY.register(FIGURES)
        _figures_told.append(True)


_described: list[object] = []
_figures_told: list[bool] = []
