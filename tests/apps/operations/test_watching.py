"""The chore that watches, on a node with keys, messages and a ledger of its own."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from kouan.apps.operations import watching
from kouan.apps.operations.alarms import Alarm, AlarmKind
from kouan.apps.operations.facts import SIZE_FILE, watch_facts
from kouan.apps.operations.models import AlarmRow, Heartbeat
from kouan.apps.operations.readiness import missed_after
from kouan.core import chores
from kouan.core.exchange import incidents, pulse, witness
from kouan.core.exchange.models import Incident, OutboxMessage, Stream
from kouan.core.watch import meters

SILENT = Alarm(AlarmKind.PEER_SILENT, "gd", 400.0, 300.0)
DEAD = Alarm(AlarmKind.DEAD_LETTERS, "", 2.0, 0.0)


@pytest.fixture
def watched(node, settings, tmp_path):
    """The node with a run folder of its own, and a way to change its limits."""
    (tmp_path / "run").mkdir()

    def limits(**changes):
        watch = replace(settings.NODE.watch, disk_free_mb=0, **changes)
        settings.NODE = replace(settings.NODE, home=tmp_path, run=tmp_path / "run", watch=watch)

    limits()
    node.limits = limits
    node.folder = tmp_path
    return node


def is_open(alarm):
    return AlarmRow.objects.filter(kind=alarm.kind, about=alarm.about, cleared_at__isnull=True).exists()


def gauge(name, **labels):
    return meters.FIGURES.get_sample_value(f"kouan_{name}", labels)


def test_the_worker_watches_by_itself():
    assert "watch" in {chore.name for chore in chores.registered()}


def test_facts_are_those_of_the_channel(watched):
    now = timezone.now()
    watched.deliver(2)
    watched.send(3)
    watched.receive(1)
    witness.publish()
    facts = watch_facts(now)
    (peer,) = facts.peers
    oldest = OutboxMessage.objects.filter(state="waiting").order_by("pk").first()
    assert (peer.peer, peer.waiting, peer.oldest_at) == ("gd", 3, oldest.created_at)
    assert peer.last_contact_at is not None
    assert peer.unwitnessed_since is not None
    assert facts.inbox_waiting == 1
    assert facts.unhandled_since is not None
    assert facts.ledger_size == facts.ledger_was > 0
    assert facts.checkpoint_at is not None
    assert facts.disk_free > 0
    told = {(key.side, key.use) for key in facts.keys}
    assert {("hk", "sign"), ("hk", "tls"), ("gd", "sign"), ("gd", "decrypt")} <= told
    assert ("gd", "tls") not in told
    watched.peer.cosign()
    assert watch_facts(now).peers[0].unwitnessed_since is None
    assert watch_facts(now).peers[0].cosigned_at is not None


def test_a_message_that_was_posted_in_vain_goes_on_ageing(watched):
    from kouan.core.exchange import sealing  # noqa: PLC0415 - the other tests here seal through the node

    (message,) = watched.send(1)
    sealing.seal_batch("gd")
    made = OutboxMessage.objects.get(message_id=message).created_at
    assert watch_facts(timezone.now()).peers[0].oldest_at == made


def test_the_ledger_of_an_older_database_is_noticed(watched):
    watched.deliver(3)
    size = watch_facts(timezone.now()).ledger_size
    assert (watched.folder / "run" / SIZE_FILE).read_text() == f"{size}\n"
    (watched.folder / "run" / SIZE_FILE).write_text(f"{size + 5}\n")
    watching.watch()
    assert AlarmRow.objects.get(kind="ledger-shrank").limit == size + 5
    assert gauge("alarm", alarm="ledger-shrank", about="") == 1
    (watched.folder / "run" / SIZE_FILE).write_text("nonsense\n")
    watching.watch()
    assert not AlarmRow.objects.filter(kind="ledger-shrank", cleared_at__isnull=True).exists()
    assert gauge("alarm", alarm="ledger-shrank", about="") == 0


def test_watching_shows_figures_and_gives_a_sign_of_life(watched):
    watched.deliver(1)
    watched.send(4)
    assert watching.watch() is False
    assert gauge("outbox_waiting", peer="gd") == 4
    assert gauge("ledger_entries") == watch_facts(timezone.now()).ledger_size
    assert gauge("key_ends_timestamp_seconds", side="hk", use="sign") > time.time() + 300 * 86_400
    assert gauge("peer_contact_timestamp_seconds", peer="gd") > 0
    assert timezone.now() - Heartbeat.objects.get(process="worker").at < timedelta(seconds=30)


@pytest.mark.parametrize("every_s", [0.1, 0.5, 5.0, 60.0])
def test_a_worker_that_looks_as_often_as_it_should_is_never_missed(watched, every_s):
    watched.limits(every_s=every_s)
    began, written = timezone.now(), set()
    for look in range(40):
        now = began + look * timedelta(seconds=every_s)
        if written:
            assert now - max(written) < missed_after(every_s)
        watching.beat("worker", now)
        written.add(Heartbeat.objects.get(process="worker").at)
    assert 1 <= len(written) <= 21  # and what is fresh is left as it is


def test_what_goes_on_is_one_alarm_and_comes_again_as_another(watched):
    now = timezone.now()
    watching.record([SILENT, DEAD], now)
    watching.record([DEAD, SILENT], now + timedelta(seconds=5))
    assert AlarmRow.objects.count() == 2
    watching.record([DEAD], now + timedelta(seconds=10))
    assert not is_open(SILENT)
    assert is_open(DEAD)
    watching.record([SILENT, DEAD], now + timedelta(seconds=15))
    assert is_open(SILENT)
    assert AlarmRow.objects.filter(kind="peer-silent").count() == 2
    over = AlarmRow.objects.get(kind="peer-silent", cleared_at__isnull=False)
    assert over.cleared_at == now + timedelta(seconds=10)


def test_an_alarm_is_logged_with_its_kind_and_its_side(watched, caplog):
    caplog.set_level("INFO")
    watching.record([SILENT], timezone.now())
    watching.record([], timezone.now())
    told = [(record.message, record.about) for record in caplog.records if hasattr(record, "about")]
    assert told == [
        ("alarm raised: peer-silent (gd)", {"code": "peer-silent", "peer": "gd"}),
        ("alarm cleared: peer-silent (gd)", {"code": "peer-silent", "peer": "gd"}),
    ]


def test_an_incident_is_an_alarm_until_it_is_acknowledged(watched):
    at = timezone.now() - timedelta(days=60)
    Incident.objects.create(peer="gd", kind="id-conflict", detail="message 1", at=at)
    watching.watch()
    assert AlarmRow.objects.filter(kind="incidents", cleared_at__isnull=True).exists()
    assert incidents.settle(Incident.objects.get().pk, operator="wong", remark="their disk was restored")
    watching.watch()
    assert not AlarmRow.objects.filter(kind="incidents", cleared_at__isnull=True).exists()
    assert gauge("incidents") == 1


PROGRAM = """
import os, sys
with open("heard", "ab") as file:
    file.write(sys.stdin.buffer.read())
with open("environment", "w") as file:
    file.write("\\n".join(os.environ))
sys.exit(int(open("answer").read()))
"""


@pytest.fixture
def hears(watched):
    """A program that is told of alarms, what it heard, and what it answers."""
    (watched.folder / "hear.py").write_text(PROGRAM)
    (watched.folder / "answer").write_text("0")
    watched.limits(notify=(sys.executable, str(watched.folder / "hear.py")))

    def heard():
        path = watched.folder / "heard"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    watched.heard = heard
    return watched


def test_a_program_is_told_of_each_raising_and_clearing_once(hears):
    watching.record([SILENT], timezone.now())
    watching.tell()
    watching.tell()
    (raised,) = hears.heard()
    assert (raised["event"], raised["alarm"], raised["about"], raised["side"]) == (
        "raised",
        "peer-silent",
        "gd",
        "hk",
    )
    assert raised["sentence"].startswith("Nothing has been heard of Guangdong for 7 minutes")
    watching.record([], timezone.now())
    watching.tell()
    watching.tell()
    assert [told["event"] for told in hears.heard()] == ["raised", "cleared"]
    assert hears.heard()[1]["cleared_at"] is not None


def test_what_rose_and_cleared_before_anybody_was_told_is_told_in_order(hears):
    watching.record([DEAD], timezone.now())
    watching.record([], timezone.now())
    watching.tell()
    assert [told["event"] for told in hears.heard()] == ["raised", "cleared"]


def test_a_program_that_fails_is_tried_again_and_then_left_alone(hears, caplog):
    (hears.folder / "answer").write_text("1")
    watching.record([DEAD], timezone.now())
    for _ in range(watching.NOTIFY_TRIES + 3):
        watching.tell()
    assert len(hears.heard()) == watching.NOTIFY_TRIES
    assert any("nobody could be told" in record.message for record in caplog.records)
    (hears.folder / "answer").write_text("0")
    watching.record([], timezone.now())
    watching.tell()
    assert [told["event"] for told in hears.heard()][-1] == "cleared"


def test_a_program_gets_no_secret_whatever_the_operator_calls_it(hears, monkeypatch):
    for name in ("OUR_TOKEN_PIN", "PROVIDER_SECRET", "PGPASSWORD", "KOUAN_DATABASE_PASSWORD"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    watching.record([DEAD], timezone.now())
    watching.tell()
    passed = set((hears.folder / "environment").read_text().split())
    assert {"PATH", "LC_ALL"} <= passed
    allowed = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LANGUAGE"}
    allowed |= {"SSL_CERT_FILE", "SSL_CERT_DIR"}
    assert {name for name in passed - allowed if not name.startswith("LC_")} == set()


def test_a_program_that_is_not_there_stops_nothing(watched):
    watched.limits(notify=("/no/such/program",))
    watching.record([DEAD], timezone.now())
    watching.tell()
    assert AlarmRow.objects.get().tries == 1


def test_a_program_that_hangs_is_ended(watched, monkeypatch):
    monkeypatch.setattr(watching, "NOTIFY_SECONDS", 0.5)
    watched.limits(notify=(sys.executable, "-c", "import time; time.sleep(60)"))
    watching.record([DEAD], timezone.now())
    began = timezone.now()
    watching.tell()
    assert timezone.now() - began < timedelta(seconds=30)
    assert AlarmRow.objects.get().told_raised is False


def test_a_quiet_peer_is_asked_and_what_it_answers_counts(watched):
    assert [member.side for member in pulse.quiet()] == ["gd"]
    pulse.heard("gd")
    assert pulse.quiet() == []
    Stream.objects.update(last_contact_at=timezone.now() - timedelta(seconds=pulse.patience() + 1))
    assert [member.side for member in pulse.quiet()] == ["gd"]
