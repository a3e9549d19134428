"""A node's processes under their supervisor, and a batch through the real door over mutual TLS."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

import kouan.demo
from core.exchange.peer import Peer, now_ms
from kouan.core.policy import load_agreements
from kouan.core.trust.certificates import node_name
from kouan.core.trust.own import load as load_keys
from kouan.core.trust.store import KeyStore
from kouan.demo.nodes import free_ports
from kouan.node.layout import NewNode, create, environment_of
from kouan.node.supervisor import GRACE, Supervisor, processes_of
from pace import patience

pytestmark = pytest.mark.xdist_group("programs")
AGREEMENTS = Path(kouan.demo.__file__).parent / "agreements"


def free_port():
    return free_ports(1)[0]


SOON = GRACE + 10
"""Seconds within which everything has ended that was asked to: what does not end is waited for no longer."""


def wait_until(holds, seconds=80.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.05)
    pytest.fail(f"not within {seconds} s")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A node of Hong Kong that has imported the side that the test plays."""
    home = tmp_path_factory.mktemp("hk")
    door = free_port()
    path = create(home, NewNode(side="hk", portal=f"127.0.0.1:{free_port()}", door=f"127.0.0.1:{door}"))
    shutil.copy(AGREEMENTS / "channel-operation.toml", home / "agreements")
    store = KeyStore.create(tmp_path_factory.mktemp("gd") / "keys", "gd", hosts=("127.0.0.1",))
    agreement = load_agreements(home / "agreements")[0]
    public = load_keys(home / "keys", side="hk", door_url=f"https://127.0.0.1:{door}").public
    peer = Peer("gd", store, public, agreement)
    document = home / "gd.trust"
    document.write_bytes(peer.document)
    program = [sys.executable, "-m", "kouan.cli", "--node", str(path)]
    subprocess.run([*program, "migrate"], check=True, capture_output=True, timeout=240)
    importing = [*program, "trust", "import", str(document), "--fingerprint", peer.fingerprint]
    subprocess.run(importing, check=True, capture_output=True, timeout=240)
    return path, door, peer


@pytest.fixture
def supervised(home):
    path, door, _peer = home
    supervisor = Supervisor(processes_of(path, ["door", "worker"]))
    watching = threading.Thread(target=supervisor.watch)
    supervisor.start()
    watching.start()
    try:
        wait_until(lambda: listening(door))
        yield supervisor
    finally:
        supervisor.stop()
        watching.join()


def listening(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def session_members(leader):
    """The processes of a session (a supervised process and all that it started), as the kernel lists them."""
    members = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == leader and fields[0] != "Z":
                    members.append(int(folder.name))
    return members


def test_what_is_killed_is_started_again_and_nothing_is_left_at_the_end(home, supervised):
    _path, port, _peer = home
    door = next(process for process in supervised.processes if process.name == "door")
    first = door.running.pid
    assert first in session_members(first)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: door.starts == 2)
    wait_until(lambda: listening(port))
    wait_until(lambda: session_members(first) == [])
    leaders = [process.running.pid for process in supervised.processes]
    started = time.monotonic()
    supervised.stop()
    assert time.monotonic() - started < patience(SOON)
    for leader in leaders:
        wait_until(lambda leader=leader: session_members(leader) == [])
    assert not listening(port)
    assert door.starts == 2


def test_what_does_not_end_by_itself_is_killed(home, supervised):
    worker = next(process for process in supervised.processes if process.name == "worker")
    os.kill(worker.running.pid, signal.SIGSTOP)
    started = time.monotonic()
    supervised.stop()
    assert time.monotonic() - started < patience(SOON)
    wait_until(lambda: session_members(worker.running.pid) == [])


def test_logs_are_in_the_nodes_own_folder(home, supervised):
    path, _port, _peer = home
    assert {process.log_file for process in supervised.processes} == {
        path.parent / "run" / "door.log",
        path.parent / "run" / "worker.log",
    }
    assert [process.label for process in supervised.processes] == [
        f"{path.parent.name} door",
        f"{path.parent.name} worker",
    ]
    assert environment_of(path)["KOUAN_SECRET_KEY"] not in (path.parent / "run" / "door.log").read_text()


def as_peer(peer, *, store=None, newest=ssl.TLSVersion.TLSv1_3):
    context = ssl.create_default_context(cadata=peer.node.tls_ca_pem.decode())
    context.maximum_version = newest
    if store is not None:
        keys = load_keys(store.directory, side=store.side, door_url="https://gd.example:8443")
        context.load_cert_chain(keys.tls_certificate, keys.tls_key)
    return context


def post(port, context, body):
    """Post a batch over a connection of its own, with the door's name checked against its certificate."""
    raw = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection = http.client.HTTPSConnection("127.0.0.1", port)
    connection.sock = context.wrap_socket(raw, server_hostname=node_name("hk"))
    try:
        connection.request("POST", "/batch", body, {"kouan-sent": str(now_ms())})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_batch_through_the_real_door(home, supervised, tmp_path):
    _path, port, peer = home
    basis = [peer.agreement.id, peer.agreement.digest, "1.1"]
    good = peer.say({"padding": b"\x00" * 32}, type_="exchange.probe", basis=basis)
    bad = peer.say({"padding": "text"}, type_="exchange.probe", basis=basis)
    posted = peer.batch(good, bad)
    trusted = as_peer(peer, store=peer.store)
    status, body = post(port, trusted, posted.wire)
    assert status == 200
    assert peer.read_receipt(body, posted)["status"] == [None, "ill-formed-payload"]
    assert post(port, trusted, posted.wire) == (200, body)
    assert post(port, trusted, posted.wire[:-1])[0] == 400
    peer.advance(posted)

    stranger = KeyStore.create(tmp_path / "stranger", "gd", hosts=("127.0.0.1",))
    following = peer.batch(replace(good, header={**good.header, "id": bytes(16)})).wire
    for context in (
        as_peer(peer),
        as_peer(peer, store=stranger),
        as_peer(peer, store=peer.store, newest=ssl.TLSVersion.TLSv1_2),
    ):
        with pytest.raises((OSError, http.client.HTTPException)):
            post(port, context, following)
    assert post(port, trusted, following)[0] == 200
