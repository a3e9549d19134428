"""The chore that watches: figures for Prometheus, alarms raised and cleared, and who is told of them.

Runs in the worker every few seconds. Killed at any line, the next run finds the same state: an alarm is
a row, and a row that nobody was told of is told again.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone, translation

from kouan.apps.operations import alarms
from kouan.apps.operations.alarm_labels import alarm_sentence
from kouan.apps.operations.alarms import Alarm, AlarmKind, WatchFacts
from kouan.apps.operations.facts import watch_facts
from kouan.apps.operations.models import AlarmRow, Heartbeat
from kouan.apps.operations.readiness import missed_after
from kouan.core.watch import meters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

log = logging.getLogger(__name__)

BEATS_WHILE_MISSED: Final = 3
"""How many signs of life there are in the time after which readiness misses them."""
NOTIFY_SECONDS: Final = 10
"""How long the program of ``watch.notify`` may take."""
NOTIFY_TRIES: Final = 5
_PASSED: Final = frozenset(
    (
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "TMPDIR",
        "TZ",
        "LANG",
        "LANGUAGE",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    )
)
"""What the program of ``watch.notify`` gets of the environment, beside the locale's ``LC_…``.

Secrets stand in others, under names that the operator chose (``token.pin_env``, ``secret_env``).
"""


def watch() -> bool:
    """Look at the node once: the chore. There is never more to do at once."""
    now = timezone.now()
    beat("worker", now)
    facts = watch_facts(now)
    found = alarms.alarms(facts, settings.NODE.watch, now)
    record(found, now)
    show(facts, found, now)
    tell()
    return False


def beat(process: str, now: datetime) -> None:
    """Keep a process's sign of life, unless one is there that readiness will be content with for a while."""
    fresh = missed_after(settings.NODE.watch.every_s) / BEATS_WHILE_MISSED
    if Heartbeat.objects.filter(process=process, at__gt=now - fresh, at__lte=now).exists():
        return  # nothing is written on a node on which nothing happens
    Heartbeat.objects.update_or_create(process=process, defaults={"at": now})


def record(found: Sequence[Alarm], now: datetime) -> None:
    """Raise what is new and clear what is over, in one transaction; what goes on is left as it is."""
    present = {(alarm.kind.value, alarm.about): alarm for alarm in found}
    if set(_open()) == set(present):  # a glance that takes no lock
        return
    with transaction.atomic():
        rows = _open()
        over = [row for key, row in rows.items() if key not in present]
        AlarmRow.objects.filter(pk__in=[row.pk for row in over]).update(cleared_at=now, tries=0)
        new = [alarm for key, alarm in present.items() if key not in rows]
        AlarmRow.objects.bulk_create(
            [
                AlarmRow(
                    kind=one.kind.value, about=one.about, value=one.value, limit=one.limit, raised_at=now
                )
                for one in new
            ],
            ignore_conflicts=True,
        )
    for alarm in new:
        _log(logging.WARNING, "alarm raised", alarm.kind.value, alarm.about)
    for row in over:
        _log(logging.INFO, "alarm cleared", row.kind, row.about)


def _open() -> dict[tuple[str, str], AlarmRow]:
    return {(row.kind, row.about): row for row in AlarmRow.objects.filter(cleared_at__isnull=True)}


def _log(level: int, what: str, kind: str, about: str) -> None:
    extra = {"about": {"code": kind, "peer": about.partition(" ")[0]}}
    log.log(level, "%s: %s%s", what, kind, f" ({about})" if about else "", extra=extra)


def show(facts: WatchFacts, found: Sequence[Alarm], now: datetime) -> None:
    """Set this process's gauges to what was read."""
    for peer in facts.peers:
        meters.OUTBOX.labels(peer.peer).set(peer.waiting)
        meters.OUTBOX_OLDEST.labels(peer.peer).set(alarms.seconds_since(peer.oldest_at, now))
        meters.CONTACT.labels(peer.peer).set(_stamp(peer.last_contact_at))
        meters.UNWITNESSED.labels(peer.peer).set(alarms.seconds_since(peer.unwitnessed_since, now))
        meters.COSIGNED.labels(peer.peer).set(_stamp(peer.cosigned_at))
    for key in facts.keys:
        meters.KEY_ENDS.labels(key.side, key.use).set(key.until.timestamp())
    meters.INBOX.set(facts.inbox_waiting)
    meters.INBOX_OLDEST.set(alarms.seconds_since(facts.unhandled_since, now))
    meters.DEAD_LETTERS.set(facts.dead_letters)
    meters.INCIDENTS.set(facts.incidents)
    meters.EQUIVOCATIONS.set(facts.equivocations)
    meters.LEDGER.set(facts.ledger_size)
    meters.CHECKPOINT.set(_stamp(facts.checkpoint_at))
    meters.DISK.set(facts.disk_free)
    _shown.update((alarm.kind.value, alarm.about) for alarm in found)
    raised = {(alarm.kind.value, alarm.about) for alarm in found}
    for kind, about in _shown:
        meters.ALARM.labels(kind, about).set((kind, about) in raised)
    meters.FIGURES_AT.set(now.timestamp())
    meters.tell_figures()


_shown: set[tuple[str, str]] = {
    (kind.value, "") for kind in AlarmKind if kind in {AlarmKind.LEDGER_SHRANK, AlarmKind.EQUIVOCATION}
}
"""Alarms that this process has shown before: once cleared they are told as 0, not forgotten."""


def _stamp(at: datetime | None) -> float:
    return 0.0 if at is None else at.timestamp()


def tell() -> None:
    """Have the program of ``watch.notify`` told what it does not know: each raising, each clearing, in order.

    It may be told twice, if this process ends at the wrong moment, and is left alone after
    ``NOTIFY_TRIES`` failures in a row about one alarm.
    """
    untold = AlarmRow.objects.filter(
        Q(told_raised=False) | Q(told_cleared=False, cleared_at__isnull=False)
    ).order_by("pk")
    if not settings.NODE.watch.notify:
        return
    for row in untold[:20]:
        for event, known in (("raised", row.told_raised), ("cleared", row.told_cleared)):
            if known or (event == "cleared" and row.cleared_at is None):
                continue
            heard = _run(notice(row, event))
            if heard or row.tries + 1 >= NOTIFY_TRIES:
                AlarmRow.objects.filter(pk=row.pk).update(tries=0, **{f"told_{event}": True})
                if not heard:
                    log.error("nobody could be told that the alarm %s was %s", row.kind, event)
            else:
                AlarmRow.objects.filter(pk=row.pk).update(tries=F("tries") + 1)
                break


def notice(row: AlarmRow, event: str) -> dict[str, Any]:
    """Return what the program is told, as docs/operate.md has it."""
    alarm = Alarm(AlarmKind(row.kind), row.about, row.value, row.limit)
    with translation.override("en"):
        sentence = alarm_sentence(alarm)
    return {
        "event": event,
        "alarm": row.kind,
        "side": settings.NODE.side,
        "about": row.about,
        "value": row.value,
        "limit": row.limit,
        "raised_at": row.raised_at.isoformat(),
        "cleared_at": row.cleared_at.isoformat() if row.cleared_at else None,
        "sentence": sentence,
    }


def _run(told: dict[str, Any]) -> bool:
    """Run the program with this on its standard input; say whether it took it (exit status 0)."""
    passed = {name: value for name, value in os.environ.items() if name in _PASSED or name.startswith("LC_")}
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own program, from node.toml, without a shell
            settings.NODE.watch.notify,
            input=json.dumps(told, ensure_ascii=False).encode() + b"\n",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=NOTIFY_SECONDS,
            check=False,
            cwd=settings.NODE.home,
            env=passed,
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("the program of watch.notify could not be run (%s)", type(error).__name__)
        return False
    if done.returncode:
        log.warning("the program of watch.notify ended with status %s", done.returncode)
    return done.returncode == 0
