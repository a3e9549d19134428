"""The doorbell: every worker hears a ring, and nobody is missed who is not there."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import replace

import pytest

from kouan.core.exchange import wake


@pytest.fixture
def run(settings, tmp_path):
    settings.NODE = replace(settings.NODE, run=tmp_path / "run")
    return settings.NODE.run


def test_a_ring_with_nobody_there_is_no_error(run):
    wake.ring(wake.OUTBOX)
    assert not wake.somebody_listens()


def test_every_worker_hears_what_was_rung_for(run):
    with contextlib.closing(wake.Bell()) as one, contextlib.closing(wake.Bell()) as other:
        assert wake.somebody_listens()
        wake.ring(wake.OUTBOX)
        wake.ring(wake.INBOX)
        wake.ring(wake.INBOX)
        assert one.heard() == other.heard() == {wake.OUTBOX, wake.INBOX}
        assert one.heard() == set()
        other.close()
        wake.ring(wake.INBOX)
        assert one.heard() == {wake.INBOX}
    assert list(wake.bells().iterdir()) == []


def test_the_bell_of_a_worker_that_was_killed_is_taken_down(run):
    wake.bells().mkdir(parents=True)
    dead = wake.bells() / "dead"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as killed:
        killed.bind(str(dead))
    wake.ring(wake.OUTBOX)
    assert not wake.somebody_listens()
    with contextlib.closing(wake.Bell()) as bell:
        assert not dead.exists()
        assert bell.path.exists()


def test_a_long_path_is_no_obstacle(settings, tmp_path):
    settings.NODE = replace(settings.NODE, run=tmp_path / ("long" * 30) / "run")
    with contextlib.closing(wake.Bell()) as bell:
        wake.ring(wake.INBOX)
        assert bell.heard() == {wake.INBOX}
    wake.bells().rmdir()
