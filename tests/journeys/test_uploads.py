"""Large files, too large ones, and broken uploads, over real HTTP."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import TYPE_CHECKING

import pytest

from journeys import inside
from journeys.nodes import form, memory, say, wait_until
from journeys.test_validation import answered

if TYPE_CHECKING:
    from journeys.conftest import Group
    from journeys.nodes import Node

LARGEST = 50 << 20
ROOM = 200 << 20
"""What the portal's processes may take beside what they have at rest."""
SOON = 8
"""Seconds, far fewer than a stalled upload is waited for."""


def portal_memory(node: Node) -> tuple[int, int]:
    """Return the memory of the portal's processes: now, and at most so far."""
    both = [memory(pid) for pid in node.running()["portal"]]
    return sum(now for now, _ in both), sum(most for _, most in both)


def test_fifty_megabytes_each_way_in_bounded_memory(pair: Group) -> None:
    hk, gd = pair["hk"], pair["gd"]
    before = {node.side: portal_memory(node)[0] for node in (hk, gd)}
    document = bytes(range(256)) * (LARGEST // 256)
    for issuer, asker in ((hk, gd), (gd, hk)):
        registered = issuer.upload("/documents", "scan.bin", document, type="other")
        assert registered.status == 201
        assert len(registered.body) > LARGEST
        asked = asker.upload("/validations?wait=5", "scan.zip", registered.body)
        assert asked.status in {200, 202}, asked.body
        key = asked.json()["id"]
        result = wait_until(lambda asker=asker, key=key: answered(asker, key), 20, "the answer")
        assert result["outcome"] == "match"
    for node in (hk, gd):
        growth = portal_memory(node)[1] - before[node.side]
        say(f"{node.side}: the portal grew by {growth >> 20} MB at most")
        assert growth < ROOM


def test_too_large_is_refused_and_said(pair: Group) -> None:
    hk = pair["hk"]
    for path, fields in (("/documents", {"type": "other"}), ("/validations", {})):
        answer = hk.upload(path, "scan.bin", bytes(LARGEST + (1 << 20)), **fields)
        assert (answer.status, answer.json()["code"]) == (413, "upload-too-large")
        assert "50 MB" in answer.json()["detail"]
    before = portal_memory(hk)[1]
    connection = http.client.HTTPConnection("127.0.0.1", hk.portal, timeout=60)
    connection.putrequest("POST", "/api/v1/validations")
    connection.putheader("Content-Type", "multipart/form-data; boundary=b")
    connection.putheader("Content-Length", str(10 << 30))
    connection.endheaders(b"--b\r\n")
    assert connection.getresponse().status == 413
    connection.close()
    assert portal_memory(hk)[1] - before < (64 << 20)


@pytest.mark.parametrize("path", ["/documents", "/validations"])
def test_a_truncated_upload_is_refused_and_said(pair: Group, path: str) -> None:
    hk = pair["hk"]
    kept = hk.run(inside.kept)
    content_type, body = form("scan.bin", bytes(1 << 20), type="other")
    half = body[: len(body) // 2]

    answer = http.client.HTTPResponse(
        plain := send_part(hk, path, content_type, half, len(half)), method="POST"
    )
    answer.begin()
    assert (answer.status, json.loads(answer.read())["code"]) == (400, "upload-truncated")
    answer.close()
    plain.close()

    # Who goes away in the middle of the body hears no answer; nothing is kept of what came.
    send_part(hk, path, content_type, half, len(body)).close()
    wait_until(lambda: f"POST /api/v1{path} broke off" in hk.log("portal"), 10, "the portal gave it up")
    assert hk.request("GET", "/health").status == 200
    assert hk.run(inside.kept) == kept


def test_stalled_uploads_stop_nobody(pair: Group) -> None:
    hk = pair["hk"]
    registered = hk.upload("/documents", "a.txt", b"a document", type="other").body
    content_type, body = form("scan.bin", bytes(1 << 20), type="other")
    stalled = [
        send_part(hk, path, content_type, body[: len(body) // 2], len(body))
        for path in ("/validations", "/documents")
        for _ in range(10)
    ]
    for _ in range(5):
        assert hk.request("GET", "/health", timeout=SOON).status == 200
    began = time.monotonic()
    asked = hk.upload("/validations?wait=5", "a.zip", registered)
    assert asked.status in {200, 202}, asked.body
    assert time.monotonic() - began < 5 + SOON
    result = wait_until(lambda: answered(hk, asked.json()["id"]), 20, "the answer")
    assert result["outcome"] == "match"
    refused = []
    for plain in stalled:
        with plain, http.client.HTTPResponse(plain, method="POST") as answer:
            answer.begin()
            refused.append((answer.status, json.loads(answer.read())["code"]))
    assert refused == [(408, "upload-too-slow")] * 20


def test_more_uploads_than_the_portal_takes_are_asked_to_come_again(pair: Group) -> None:
    hk = pair["hk"]
    content_type, body = form("scan.bin", bytes(1 << 10), type="other")
    stalled = [send_part(hk, "/documents", content_type, body[:500], len(body)) for _ in range(64)]

    def is_full() -> bool:
        # An upload of ours may have taken one of the 64 places: one more stalled each time fills them.
        stalled.append(send_part(hk, "/documents", content_type, body[:500], len(body)))
        return hk.upload("/documents", "a.txt", b"a", type="other").status == 503

    try:
        wait_until(is_full, 10, "it is full")
        page = hk.request("POST", "/validate", body, {"Content-Type": content_type})
        assert (page.status, page.headers["retry-after"]) == (503, "15")
        assert "portal-busy" in page.body.decode()
        assert "content-security-policy" in page.headers
        assert hk.request("GET", "/health", timeout=SOON).status == 200
    finally:
        for plain in stalled:
            plain.close()
    wait_until(lambda: hk.upload("/documents", "a.txt", b"a", type="other").status == 201, 10, "room again")


def test_a_body_in_chunks_is_a_body(pair: Group) -> None:
    hk = pair["hk"]
    content_type, body = form("scan.bin", bytes(1 << 20), type="other")
    headers = {"Authorization": f"Bearer {hk.token}", "Content-Type": content_type}
    pieces = (body[at : at + 10_000] for at in range(0, len(body), 10_000))
    assert hk.request("POST", "/api/v1/documents", pieces, headers).status == 201


def send_part(node: Node, path: str, content_type: str, body: bytes, declared: int) -> socket.socket:
    """Send a request's head with this length and so much of its body; return the open connection."""
    head = (
        f"POST /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {node.token}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {declared}\r\nConnection: close\r\n\r\n"
    )
    plain = socket.create_connection(("127.0.0.1", node.portal), timeout=60)
    plain.sendall(head.encode() + body)
    return plain
