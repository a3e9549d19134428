"""The door itself: who gets in, what time it must be, and what happens to the same bytes again."""

from __future__ import annotations

import http.client
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from journeys import inside
from journeys.nodes import Answer, Node, wait_until
from journeys.test_line import Impostor

if TYPE_CHECKING:
    from pathlib import Path

    from journeys.conftest import Group

TEN_MINUTES = 10 * 60 * 1000


def context_for(asker: Node, peer: str, certificate: tuple[str, str] | None) -> ssl.SSLContext:
    """Return TLS as ``asker`` uses it towards ``peer``'s door, with another certificate or with none."""
    context = ssl.create_default_context(cadata=asker.run(inside.tls, peer).peer_ca)
    if certificate is not None:
        context.load_cert_chain(*certificate)
    return context


def own_certificate(asker: Node, peer: str) -> tuple[str, str]:
    files = asker.run(inside.tls, peer)
    return files.certificate, files.key


def post(
    door: Node, context: ssl.SSLContext, body: bytes, sent: int | None = None, path: str = "/batch"
) -> Answer:
    """Post to a door past its link, with the time that the sender claims."""
    connection = http.client.HTTPSConnection("127.0.0.1", door.door, timeout=60, context=context)
    headers = {} if sent is None else {"Kouan-Sent": str(sent)}
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def test_strangers_do_not_get_in(pair: Group, tmp_path: Path) -> None:
    hk, gd = pair["hk"], pair["gd"]
    impostor = Impostor("hk", tmp_path)
    impostor.close()
    for certificate in (None, (str(impostor.certificate), str(impostor.key))):
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.BadStatusLine)):
            post(gd, context_for(hk, "gd", certificate), b"", hk.run(inside.milliseconds_now), "/alive")
    assert post(gd, context_for(hk, "gd", own_certificate(hk, "gd")), b"", path="/alive").status == 404


def test_the_door_speaks_only_tls_1_3(pair: Group) -> None:
    hk, gd = pair["hk"], pair["gd"]
    context = context_for(hk, "gd", own_certificate(hk, "gd"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError):  # noqa: PT011 - which one is the library's business
        post(gd, context, b"")
    connection = http.client.HTTPConnection("127.0.0.1", gd.door, timeout=5)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/alive")
        assert connection.getresponse().status >= 400
    connection.close()


def test_a_clock_ten_minutes_off_and_the_same_bytes_again(pair: Group) -> None:
    hk, gd = pair["hk"], pair["gd"]
    context = context_for(hk, "gd", own_certificate(hk, "gd"))
    pair.wait_at_rest()
    before = gd.run(inside.taken_in)
    gd.link.cut()
    asked = hk.run(inside.ask_at_once, "gd", 5)
    batch = wait_until(lambda: hk.run(inside.sealed_batch, "gd"), 10, "a sealed batch")

    for apart in (-TEN_MINUTES, TEN_MINUTES):
        answer = post(gd, context, batch, hk.run(inside.milliseconds_now) + apart)
        assert (answer.status, answer.json()["code"]) == (400, "clock-apart")
        assert "600 seconds" in answer.json()["detail"]
    assert post(gd, context, batch).json()["code"] == "no-clock"
    ahead = hk.run(inside.batch_from_another_time, "gd", 600)
    answer = post(gd, context, ahead, hk.run(inside.milliseconds_now))
    assert (answer.status, answer.json()["code"]) == (400, "clock-apart")
    assert gd.run(inside.taken_in) == before

    first = post(gd, context, batch, hk.run(inside.milliseconds_now))
    assert first.status == 200
    taken = gd.run(inside.taken_in)[:2]
    assert taken == (before[0] + 1, before[1] + 5)
    for _ in range(3):
        again = post(gd, context, batch, hk.run(inside.milliseconds_now))
        assert (again.status, again.body) == (200, first.body)
    assert gd.run(inside.taken_in)[:2] == taken

    gd.link.mend()
    wait_until(lambda: "" not in hk.run(inside.outcomes, asked), 20, "the answers")
    wait_until(lambda: hk.run(inside.kept_receipt, batch), 20, "the receipt that the door gave first")
    assert hk.run(inside.kept_receipt, batch) == first.body
    late = post(gd, context, batch, hk.run(inside.milliseconds_now))
    assert (late.status, late.body) == (200, first.body)
    pair.prove()


def test_changed_bytes_and_a_batch_out_of_turn_change_nothing(pair: Group) -> None:
    hk, gd = pair["hk"], pair["gd"]
    context = context_for(hk, "gd", own_certificate(hk, "gd"))
    pair.wait_at_rest()
    gd.link.cut()
    hk.run(inside.ask_at_once, "gd", 2)
    batch = wait_until(lambda: hk.run(inside.sealed_batch, "gd"), 10, "a sealed batch")
    before = gd.run(inside.taken_in)
    for at in range(0, len(batch), len(batch) // 12):
        changed = batch[:at] + bytes([batch[at] ^ 1]) + batch[at + 1 :]
        answer = post(gd, context, changed, hk.run(inside.milliseconds_now))
        assert 400 <= answer.status < 500, (at, answer)
        assert answer.json()["code"] not in {"internal", "unavailable"}
    assert post(gd, context, batch[:-1], hk.run(inside.milliseconds_now)).status == 400
    assert post(gd, context, b"", hk.run(inside.milliseconds_now)).status == 400
    assert gd.run(inside.taken_in) == before
    mine = context_for(gd, "hk", own_certificate(gd, "hk"))
    at_home = hk.run(inside.taken_in)
    reflected = post(hk, mine, batch, hk.run(inside.milliseconds_now))
    assert 400 <= reflected.status < 500, "a batch came back to its sender and was taken in"
    assert hk.run(inside.taken_in) == at_home
    gd.link.mend()
    pair.prove()
