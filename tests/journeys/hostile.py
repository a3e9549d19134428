"""A member turned hostile: it holds its side's valid TLS and signing keys, and says whatever it likes.

These functions run in a process of that side's node (``Node.run``), whose own processes do not run. What it
says is made by ``core.exchange.peer``, which can break each rule of the protocol alone.
"""

from __future__ import annotations

import functools
import hashlib
import json
import socket
import ssl
import time
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.utils import timezone

from core.exchange.peer import Peer, Posted
from kouan.apps.validation.crossings import FINGERPRINT_QUESTION
from kouan.apps.validation.domain import Reference
from kouan.core.exchange import outbox
from kouan.core.trust.queries import get_member, own
from kouan.core.trust.store import KeyStore

VICTIM = "hk"


@functools.cache
def me() -> Peer:
    node = settings.NODE
    now = timezone.now()
    allowed = outbox.decide(FINGERPRINT_QUESTION, sender=node.side, receiver=VICTIM, consent=None, at=now)
    peer = Peer(node.side, KeyStore.open(node.keys), get_member(VICTIM), allowed.agreement, node.door_url)
    peer.basis = [allowed.agreement.id, allowed.agreement.digest, allowed.clause.id]  # type: ignore[attr-defined]
    return peer


def question(**changed: Any) -> Any:
    """A question about a document that nobody knows, as declared."""
    reference = str(Reference.new(VICTIM))
    payload = {
        "reference": reference,
        "algorithm": "sha-256",
        "digest": hashlib.sha256(reference.encode()).digest(),
    }
    peer = me()
    more = {"type_": FINGERPRINT_QUESTION.type, "basis": peer.basis} | changed  # type: ignore[attr-defined]
    return peer.say(payload, **more)


def batch(count: int = 1, *, message: dict[str, Any] | None = None, **changed: Any) -> bytes:
    """The next batch of so many questions."""
    return made(count, message=message, **changed).wire


def made(count: int = 1, *, message: dict[str, Any] | None = None, **changed: Any) -> Posted:
    """The same, with what it was made of."""
    return me().batch(*[question(**(message or {})) for _ in range(count)], **changed)


def connect(certificate: tuple[str, str] | None = None, most: ssl.TLSVersion | None = None) -> ssl.SSLSocket:
    """A connection to the victim's own door, past its link."""
    member = get_member(VICTIM)
    context = ssl.create_default_context(cadata=member.tls_ca_pem.decode())
    if most is not None:
        context.maximum_version = most
    keys = own()
    context.load_cert_chain(*(certificate or (str(keys.tls_certificate), str(keys.tls_key))))
    plain = socket.create_connection(("127.0.0.1", DOOR[0]), 10)
    tls = context.wrap_socket(plain, server_hostname=f"{VICTIM}.node.kouan")
    tls.settimeout(40)
    return tls


DOOR: list[int] = []


def aim(port: int) -> None:
    """Name the victim's door."""
    DOOR[:] = [port]


def head(path: str, length: int | str | None, *more: str, method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: door", f"kouan-sent: {time.time_ns() // 1_000_000}", *more]
    if length is not None:
        lines.append(f"content-length: {length}")
    return "\r\n".join([*lines, "", ""]).encode()


def answer(tls: ssl.SSLSocket) -> tuple[int, dict[str, str], bytes]:
    """Read one answer; (0, {}, b"") when the door closed instead."""
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            piece = tls.recv(65536)
            if not piece:
                return 0, {}, data
            data += piece
        top, body = data.split(b"\r\n\r\n", 1)
        first, *lines = top.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            body += tls.recv(65536)
    except (OSError, ValueError):
        return 0, {}, data
    return int(first.split()[1]), headers, body


def post(
    body: bytes, *more: str, path: str = "/batch", tls: ssl.SSLSocket | None = None
) -> tuple[int, str, dict[str, str]]:
    """Post, and return the status, the problem's code and the headers."""
    line = tls or connect()
    try:
        line.sendall(head(path, len(body), *more) + body)
        status, headers, said = answer(line)
    except OSError:
        status, headers, said = 0, {}, b""
    finally:
        if tls is None:
            line.close()
    code = json.loads(said)["code"] if headers.get("content-type") == "application/problem+json" else ""
    return status, code, headers


def attack(count: int = 1, *, take: bool = False, **more: Any) -> tuple[int, str]:
    """Post the next batch, changed, and return what the door says; ``take`` counts one that it took in."""
    posted = made(count, **more)
    status, code, _ = post(posted.wire)
    if take and status == HTTPStatus.OK:
        me().advance(posted)
    return status, code


def relay(body: bytes) -> tuple[int, str]:
    """Post bytes that another side made."""
    return post(body)[:2]


def raw(data: bytes, *, rest: bytes = b"", pause: float = 0.0) -> int:
    """Send bytes as they are; return the status, or 0 for a closed connection."""
    with connect() as tls:
        try:
            tls.sendall(data)
            if rest:
                time.sleep(pause)
                tls.sendall(rest)
        except OSError:
            return 0
        return answer(tls)[0]


HELD: list[socket.socket] = []


def hold(count: int, first: bytes) -> int:
    """Open connections, begin something on each and leave it; return how many the door let stand."""
    for _ in range(count):
        try:
            tls = connect()
            tls.sendall(first)
        except OSError:
            continue
        HELD.append(tls)
    time.sleep(0.5)
    standing = 0
    for tls in HELD:
        tls.settimeout(0.05)
        try:
            standing += bool(tls.recv(1))
        except TimeoutError:
            standing += 1
        except OSError:
            continue
    return standing


def let_go() -> None:
    for tls in HELD:
        tls.close()
    HELD.clear()


def half_handshakes(count: int) -> None:
    """Open connections that never shake hands."""
    HELD.extend(socket.create_connection(("127.0.0.1", DOOR[0]), 10) for _ in range(count))


def seconds_of_a_post() -> float:
    """How long a request takes from here."""
    began = time.monotonic()
    with connect() as tls:
        tls.sendall(head("/alive", None, method="GET"))
        assert answer(tls)[0] == 200
    return time.monotonic() - began


def refusals_until_429(most: int) -> tuple[int, dict[str, str]]:
    """Post batches of refused messages until the door has enough; return how many were taken in."""
    for taken in range(most):
        posted = made(20, message={"type_": "made.up"})
        status, code, headers = post(posted.wire)
        if status == 429:
            assert code == "too-much"
            return taken, headers
        assert status == 200, (status, code)
        me().advance(posted)
    return most, {}


def old_tls() -> bool:
    """Whether the door speaks TLS 1.2."""
    try:
        connect(most=ssl.TLSVersion.TLSv1_2).close()
    except OSError:
        return False
    return True
