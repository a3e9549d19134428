"""Readiness: each part of the node that can be wanting, and that the answer tells nothing else."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from kouan.apps.operations import checkup, readiness, watching
from kouan.apps.operations.alarms import Alarm, AlarmKind
from kouan.apps.operations.models import Heartbeat
from kouan.config import Address

ALL = ("database", "migrations", "keys", "worker")


@pytest.fixture
def alive(node):
    Heartbeat.objects.create(process="worker", at=timezone.now())
    return node


def failing():
    return [check.name for check in readiness.readiness(every_s=5) if not check.good]


def test_a_node_with_a_worker_is_ready(client, alive):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": dict.fromkeys(ALL, "ok")}
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_portal_lives_whatever_else_does_not(client, db, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_worker_that_was_not_heard_is_wanting(client, alive):
    Heartbeat.objects.update(at=timezone.now() - timedelta(seconds=31))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready",
        "checks": dict.fromkeys(ALL, "ok") | {"worker": "failing"},
    }


def test_keys_that_cannot_be_used_are_wanting_and_not_described(client, alive, settings, tmp_path):
    settings.NODE = replace(settings.NODE, keys=tmp_path / "nothing")
    answer = client.get("/readyz")
    assert answer.json()["checks"]["keys"] == "failing"
    assert str(tmp_path) not in answer.content.decode()


def test_a_database_that_does_not_answer_is_wanting(alive, monkeypatch):
    def broken():
        raise DatabaseError("disk I/O error")

    monkeypatch.setattr(readiness, "_database", broken)
    assert failing() == ["database", "migrations", "worker"]


def test_a_database_of_another_version_is_wanting(alive):
    from django.db.migrations.recorder import MigrationRecorder  # noqa: PLC0415 - needs Django's set-up

    record = MigrationRecorder.Migration.objects.get(app="operations", name="0001_alarms")
    record.delete()
    assert not readiness._Migrated()()
    record.save(force_insert=True)
    assert readiness._Migrated()()


@pytest.fixture
def listening(settings):
    """Something that accepts connections where the portal and the door are to listen."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    portal, door = (Address("127.0.0.1", each.getsockname()[1]) for each in sockets)
    settings.NODE = replace(settings.NODE, portal_listen=portal, door_listen=door)
    yield sockets
    for each in sockets:
        each.close()


def test_a_look_from_outside_tells_by_its_exit_status(alive, listening):
    assert checkup.look().status == checkup.WELL
    watching.record([Alarm(AlarmKind.DEAD_LETTERS, "", 2, 0)], timezone.now())
    found = checkup.look()
    assert found.status == checkup.ALARMED
    assert "ALARM   2 messages could not be delivered or handled." in found.text()
    listening[1].close()
    found = checkup.look()
    assert found.status == checkup.FAILING
    assert "FAILING door" in found.text()
    told = json.loads(found.json())
    assert told["ready"] is False
    assert told["checks"] == dict.fromkeys((*ALL, "portal"), True) | {"door": False}
    assert [one["alarm"] for one in told["alarms"]] == ["dead-letters"]
