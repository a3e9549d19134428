"""A hostile member against a running node: with all its valid keys it harms only itself.

Hong Kong runs. Guangdong's node does not: somebody holds its keys and attacks. Macao stays honest.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from journeys import hostile, inside
from journeys.conftest import Group, make_group
from journeys.nodes import PATIENCE, say, wait_until
from kouan.core.exchange import wire
from kouan.core.exchange.door import MAX_CHECKPOINT_REQUEST
from kouan.core.exchange.entrance.connection import MAX_HEAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from journeys.nodes import Node

DOOR_LIMITS = "refusals_per_s = 1\nconnections = 12\nrequests_at_once = 8\n"


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    group = make_group(tmp_path_factory.mktemp("hostile"), ("hk", "gd", "mo"))
    settings = group["hk"].made.path
    settings.write_text(settings.read_text().replace("[door]\n", f"[door]\n{DOOR_LIMITS}"))
    group["hk"].start()
    group["hk"].wait_up()
    for side in ("gd", "mo"):
        group[side].run(hostile.aim, group["hk"].door)
    yield group
    group.close()


@pytest.fixture
def hk(three: Group) -> Iterator[Node]:
    """The node under attack: after each attack it is as well as before."""
    yield three["hk"]
    three["gd"].run(hostile.let_go)
    assert three["hk"].is_up
    assert three["mo"].run(hostile.seconds_of_a_post) < 10
    log = three["hk"].log("door")
    assert "Traceback" not in log, log


@pytest.fixture
def gd(three: Group) -> Node:
    return three["gd"]


def test_a_sound_batch_is_taken(hk: Node, gd: Node) -> None:
    assert gd.run(hostile.attack, 2, take=True) == (200, "")
    wait_until(lambda: not any("handle" in what for what in hk.run(inside.busy)), 30, "the handlers")


def test_nobody_speaks_for_another_side(hk: Node, gd: Node, three: Group) -> None:
    before = hk.run(inside.taken_in)
    theirs = gd.run(hostile.batch)
    assert three["mo"].run(hostile.relay, theirs) == (403, "other-sender")
    assert gd.run(hostile.attack, **{"from": "mo"})[0] in {403, 404}
    assert gd.run(hostile.attack, to="mo") == (403, "not-for-us")
    assert hk.run(inside.taken_in) == before
    assert any("other-sender" in each for each in hk.run(inside.facts).complaints)


def test_each_lie_in_a_statement_is_refused_and_changes_nothing(hk: Node, gd: Node) -> None:
    assert gd.run(hostile.attack, take=True) == (200, ""), "there is a batch before, which has a time"
    wait_until(lambda: not any("handle" in what for what in hk.run(inside.busy)), 30, "the handlers")
    before = hk.run(inside.taken_in)
    lies = {
        "sequence-gap": {"first": 10_000},
        "unknown-suite": {"suite": 77},
        "root-mismatch": {"root": bytes(32)},
        "unknown-seal-key": {"rkid": bytes(16)},
        "cannot-open": {"key": bytes(80)},
        "malformed-wire": {"n": -1},
        "malformed-signature": {"typ": "application/kouan-receipt+cose"},
        "clock-apart": {"at": int(time.time() * 1000) + 3_600_000},
        "backdated": {"at": int(time.time() * 1000) - 3_600_000},
    }
    said = {code: gd.run(hostile.attack, **lie) for code, lie in lies.items()}
    assert {code: told[1] for code, told in said.items()} == {code: code for code in lies}
    assert hk.run(inside.taken_in) == before
    assert gd.run(hostile.attack, take=True) == (200, ""), "the stream goes on"


def test_old_tls_is_not_spoken(hk: Node, gd: Node) -> None:
    assert not gd.run(hostile.old_tls)


@pytest.mark.parametrize(
    "data",
    [
        b"\x00" * 400,
        b"GET\r\n\r\n",
        b"POST /batch HTTP/9.9\r\n\r\n",
        b"POST /batch HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
        b"POST /batch HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /batch HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /batch HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n",
        b"POST /batch HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
        b"GET /%00%ff HTTP/1.1\r\n\r\n",
        b"CONNECT elsewhere:443 HTTP/1.1\r\n\r\n",
        b"GET /alive HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /alive HTTP/1.1\r\n" + b"a: b\r\n" * 5000 + b"\r\n",
        b"GET /alive HTTP/1.1\r\nx: " + b"y" * MAX_HEAD + b"\r\n\r\n",
        b"GET /" + b"a" * (2 * MAX_HEAD) + b" HTTP/1.1\r\n\r\n",
        b"GET /alive HTTP/1.1\r\nx: " + b"y" * 2_000_000,
        b"GET /alive HTTP/1.1\r\n\r\n" * 3000,
    ],
    ids=lambda data: data[:24].decode("latin-1").strip(),
)
def test_malformed_requests(hk: Node, gd: Node, data: bytes) -> None:
    assert gd.run(hostile.raw, data) in {0, 200, 400, 404, 413, 429}


def test_the_limits_of_a_request(hk: Node, gd: Node) -> None:
    beyond = wire.MAX_BATCH_BYTES + 1
    assert gd.run(hostile.raw, hostile.head("/batch", beyond)) == 413
    assert gd.run(hostile.raw, hostile.head("/add-checkpoint", MAX_CHECKPOINT_REQUEST + 1)) == 413
    most = bytes(MAX_CHECKPOINT_REQUEST)
    assert gd.run(hostile.post, most, path="/add-checkpoint")[0] == 400
    assert gd.run(hostile.post, bytes(wire.MAX_BATCH_BYTES))[:2] == (400, "malformed-wire")
    assert gd.run(hostile.post, b"x", "content-encoding: gzip")[:2] == (415, "content-encoded")
    chunks = b"transfer-encoding: chunked\r\n\r\n" + (b"100000\r\n" + bytes(1 << 20) + b"\r\n") * 17
    assert gd.run(hostile.raw, hostile.head("/batch", None)[:-2] + chunks) in {0, 413}


def test_the_limits_of_a_batch(hk: Node, gd: Node) -> None:
    assert gd.run(hostile.attack, wire.MAX_MESSAGES + 1)[1] == "malformed-wire"
    notices = [(bytes(16), None, 1)] * wire.MAX_NOTICES
    assert gd.run(hostile.attack, 0, notices=notices, take=True) == (200, "")
    assert gd.run(hostile.attack, 0, notices=[*notices, notices[0]])[1] == "malformed-wire"
    assert gd.run(hostile.attack, 0)[1] == "malformed-wire", "neither messages nor notices"


@pytest.mark.parametrize(
    "begun", [b"", b"POST /ba", b"POST /batch HTTP/1.1\r\ncontent-length: 16000000\r\n\r\nx"]
)
def test_connections_that_lie_there_stall_nobody(hk: Node, gd: Node, three: Group, begun: bytes) -> None:
    doors = gd.made.config.processes.door
    assert gd.run(hostile.hold, 40, begun) <= 12 * doors, "each process gives a member as much"
    took = three["mo"].run(hostile.seconds_of_a_post)
    say(f"mo waited {took:.3f} s beside gd's idle connections")
    assert took < 8, "they are given up after ten"


def test_handshakes_that_never_end_stall_nobody(hk: Node, gd: Node, three: Group) -> None:
    gd.run(hostile.half_handshakes, 300)
    took = three["mo"].run(hostile.seconds_of_a_post)
    say(f"mo waited {took:.3f} s beside 300 half handshakes")
    assert took < 5


def test_a_slow_head_is_given_up(hk: Node, gd: Node) -> None:
    began = time.monotonic()
    assert gd.run(hostile.raw, b"GET /alive HTTP/1.1\r\n", rest=b"x", pause=13.0) == 0
    assert time.monotonic() - began < 30


def test_a_flood_of_refused_messages_fills_no_table(hk: Node, gd: Node, three: Group) -> None:
    before = hk.run(inside.taken_in)
    taken, headers = gd.run(hostile.refusals_until_429, 60)
    say(f"{taken} batches of 20 refused messages, then 429, retry after {headers.get('retry-after')} s")
    assert taken < 60
    assert 1 <= int(headers["retry-after"]) <= 60
    assert hk.run(inside.taken_in)[1] - before[1] <= 200
    assert three["mo"].run(hostile.attack, take=True) == (200, ""), "the others are heard"


def test_it_stops_in_time_with_hostile_connections_open(three: Group) -> None:
    gd, hk = three["gd"], three["hk"]
    gd.run(hostile.hold, 8, b"POST /batch HTTP/1.1\r\ncontent-length: 16000000\r\n\r\nx")
    threading.Event().wait(0.2)
    assert hk.stop() < 3 * PATIENCE
    gd.run(hostile.let_go)
    hk.start()
    hk.wait_up()
    assert three["mo"].run(hostile.attack, take=True)[0] == 200
