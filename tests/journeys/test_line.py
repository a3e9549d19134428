"""The line between two doors breaks in every way that a network has."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from journeys import inside
from journeys.nodes import wait_until
from kouan.core.trust import certificates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

    from journeys.conftest import Group


pytestmark = pytest.mark.twice


def wait_answered(pair: Group, side: str, asked: list[UUID], seconds: float = 20) -> None:
    wait_until(lambda: "" not in pair[side].run(inside.outcomes, asked), seconds, f"{side} has its answers")


def test_cut_in_the_middle_of_a_batch(pair: Group) -> None:
    hk, gd = pair["hk"], pair["gd"]
    pair.wait_at_rest()
    before = gd.run(inside.taken_in)
    gd.link.cut_after(20_000)
    asked = hk.run(inside.ask_at_once, "gd", 120)
    wait_until(lambda: gd.link.is_cut, 10, "the line is cut in the batch")
    batch = wait_until(lambda: hk.run(inside.sealed_batch, "gd"), 5, "the batch is kept")
    wait_until(lambda: hk.run(inside.line, "gd").last_error, 10, "hk says that the line is broken")
    assert len(batch) > 40_000
    assert gd.run(inside.given_receipt, batch) is None
    assert gd.run(inside.taken_in) == before
    assert hk.run(inside.sealed_batch, "gd") == batch
    gd.link.mend()
    wait_answered(pair, "hk", asked)
    assert gd.run(inside.given_receipt, batch) == hk.run(inside.kept_receipt, batch)
    assert hk.run(inside.line, "gd").last_error == ""
    pair.prove()


def test_receipt_lost_after_the_commit(pair: Group) -> None:
    hk, gd = pair["hk"], pair["gd"]
    pair.wait_at_rest()
    gd.link.lose_answers(after=10_000)
    asked = hk.run(inside.ask_at_once, "gd", 60)
    batch = wait_until(lambda: hk.run(inside.sealed_batch, "gd"), 10, "the batch is sealed")
    receipt = wait_until(lambda: gd.run(inside.given_receipt, batch), 20, "gd has taken the batch in")
    wait_answered(pair, "hk", asked)  # the answers overtake the receipt: they come over the other door
    assert hk.run(inside.kept_receipt, batch) is None
    assert hk.run(inside.sealed_batch, "gd") == batch
    gd.link.mend()
    wait_until(lambda: hk.run(inside.kept_receipt, batch), 20, "the receipt")
    assert hk.run(inside.kept_receipt, batch) == receipt
    pair.prove()


def test_nonsense_instead_of_an_answer(pair: Group) -> None:
    hk, gd = pair["hk"], pair["gd"]
    gd.link.talk_nonsense()
    asked = hk.run(inside.ask, "gd", 1)
    wait_until(lambda: hk.run(inside.line, "gd").last_error, 10, "hk says what is wrong")
    assert "gd" in hk.run(inside.line, "gd").last_error
    assert hk.run(inside.outcomes, asked) == [""]
    gd.link.mend()
    wait_answered(pair, "hk", asked)
    pair.prove()


def test_slow_line(pair: Group) -> None:
    for node in pair.nodes.values():
        node.link.delay = 0.1
    asked = [(side, pair[side].run(inside.ask, other, 5)) for side, other in (("hk", "gd"), ("gd", "hk"))]
    for side, keys in asked:
        wait_answered(pair, side, keys)
    for node in pair.nodes.values():
        node.link.mend()
    pair.prove()


class Impostor:
    """Somebody on the line who holds a certificate of his own making for the door's name."""

    def __init__(self, side: str, folder: Path) -> None:
        now = datetime.now(UTC)
        ca_key, key = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
        ca = certificates.make_ca(ca_key, side, now)
        leaf = certificates.make_leaf(ca_key, ca, key.public_key(), side=side, hosts=["127.0.0.1"], now=now)
        self.certificate, self.key = folder / "impostor.crt", folder / "impostor.key"
        self.certificate.write_bytes(leaf.public_bytes(Encoding.PEM) + ca.public_bytes(Encoding.PEM))
        self.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.heard = bytearray()
        self.refusals: list[str] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate, self.key)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self.port: int = self._socket.getsockname()[1]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._thread.join(60)
        self._socket.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            with suppress(TimeoutError):
                plain, _ = self._socket.accept()
                plain.settimeout(5)
                try:
                    with self._context.wrap_socket(plain, server_side=True) as taken:
                        self.heard += taken.recv(1 << 16)
                except OSError as error:
                    self.refusals.append(str(error))
                finally:
                    plain.close()


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[Impostor]:
    made = Impostor("gd", tmp_path)
    yield made
    made.close()


def test_man_in_the_middle_without_the_doors_key(pair: Group, impostor: Impostor) -> None:
    hk, gd = pair["hk"], pair["gd"]
    door = gd.link.target
    gd.link.target = impostor.port
    gd.link.drop()
    asked = hk.run(inside.ask, "gd", 1)
    wait_until(
        lambda: "certificate" in hk.run(inside.line, "gd").last_error.lower(), 15, "hk sees the impostor"
    )
    assert hk.run(inside.outcomes, asked) == [""]
    assert impostor.refusals
    assert not impostor.heard, "hk said something to an impostor"
    gd.link.target = door
    gd.link.drop()
    wait_answered(pair, "hk", asked)
    pair.prove()
