"""``kouan demo attached``: two departments' own systems exchange a type that is declared without code."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, Self

import click

from kouan.client import BadSignature, Client, NodeError, verify_webhook
from kouan.demo import DemonstrationFailed
from kouan.demo.nodes import node_environment
from kouan.node.verification import print_report

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from kouan.demo.nodes import DemonstrationNode

TYPE: Final = "vessel.arrival-notice"
SYSTEM: Final = "vessel-desk"
_WITHIN: Final = 60.0


def show(hk: DemonstrationNode, gd: DemonstrationNode, out: Path) -> None:
    """Walk through it; raises ``DemonstrationFailed`` naming the step that went wrong."""
    _step(1, f"Both nodes hold the same declaration of {TYPE} and an agreement that covers it. No code.")
    for node in (hk, gd):
        path = next(node.config.declarations.glob("*.toml"))
        click.echo(f"   {node.side}: {_kouan(node, 'declarations', 'check', str(path)).split(chr(9))[1]}")

    _step(2, "Each operator attaches the system of a department; the token is printed once.")
    tokens = {node.side: _attach(node) for node in (hk, gd)}

    _step(3, "Guangdong's system has a webhook, so that it need not ask.")
    with Receiver() as receiver:
        receiver.secret = _kouan(gd, "system", "webhook", SYSTEM, receiver.url).split()[0]
        click.echo(f"   {receiver.url}, signed by Standard Webhooks")
        with _client(hk, tokens["hk"]) as ours, _client(gd, tokens["gd"]) as theirs:
            sent = _send(ours)
            _receive(theirs, receiver, sent)
            _refusals(ours, theirs, sent)
            _evidence(ours, sent, out / "evidence.bundle")


def _send(ours: Client) -> UUID:
    _step(4, "Hong Kong's system says that a vessel is coming, twice under one key: one message crosses.")
    first = ours.send(TYPE, to="gd", payload=_notice(), key="voyage-0417")
    again = ours.send(TYPE, to="gd", payload=_notice(), key="voyage-0417")
    if first.id != again.id:
        raise DemonstrationFailed("the same key brought two messages")
    state = ours.wait(first.id, _WITHIN)
    if state["state"] != "handled":
        raise DemonstrationFailed(f"the message is {state['state']} ({state['code']})")
    click.echo(f"   {first.id}: {state['state']}, place {state['receipt']['ledger_position']} in gd's ledger")
    return first.id


def _receive(theirs: Client, receiver: Receiver, sent: UUID) -> None:
    _step(
        5,
        "The webhook tells Guangdong's system that something came, never what; it fetches and takes it over.",
    )
    event = receiver.next()
    click.echo(f"   {event['type']} {event['data']['id']}")
    (message,) = theirs.inbox(wait=5)
    if message.id != sent:
        raise DemonstrationFailed("another message came")
    for name, value in message.payload.items():
        click.echo(f"      {name}: {json.dumps(value)}")
    message.ack()
    if theirs.inbox():
        raise DemonstrationFailed("the message came again after it was acknowledged")


def _refusals(ours: Client, theirs: Client, sent: UUID) -> None:
    _step(6, "What may not be is refused, with a sentence that says why.")
    tries = (
        (ours, {**_notice(), "imo": "12"}, "voyage-0418", "a wrong number"),
        (ours, {**_notice(), "captain": "Chan"}, "voyage-0419", "a field that is not declared"),
        (ours, {**_notice(), "name": "Other"}, "voyage-0417", "another notice under a used key"),
    )
    for client, payload, key, what in tries:
        try:
            client.send(TYPE, to="gd", payload=payload, key=key)
        except NodeError as refused:
            click.echo(f"   {what}: {refused.status} {refused.code}: {refused}")
        else:
            raise DemonstrationFailed(f"{what} was not refused")
    try:
        theirs.message(sent)
    except NodeError as refused:
        click.echo(f"   a message of another system: {refused.status} {refused.code}")
    else:
        raise DemonstrationFailed("a system could read another system's message")


def _evidence(ours: Client, sent: UUID, path: Path) -> None:
    _step(7, "The crossing is proved as any other is: kouan verify evidence.bundle")
    deadline = time.monotonic() + _WITHIN
    while True:
        try:
            path.write_bytes(ours.evidence(sent))
            break
        except NodeError as refused:
            if refused.code != "not-yet-provable" or time.monotonic() > deadline:
                raise DemonstrationFailed(f"no evidence: {refused}") from None
            time.sleep(0.25)
    if not print_report(path, (), "en"):
        raise DemonstrationFailed("the evidence does not verify")


class Receiver:
    """A webhook of a department's system, on this machine: it checks signatures and keeps events."""

    def __init__(self) -> None:
        self.secret = ""
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/kouan"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def next(self) -> dict[str, Any]:
        """Return the next event whose signature is the node's."""
        try:
            return self._events.get(timeout=_WITHIN)
        except queue.Empty:
            raise DemonstrationFailed("the webhook was not called") from None

    def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler has a self of its own
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                try:
                    receiver._events.put(verify_webhook(receiver.secret, dict(self.headers), body))
                except BadSignature:
                    self.send_response(401)
                else:
                    self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def _step(number: int, text: str) -> None:
    click.echo(f"\n{number}. {text}")


def _notice() -> dict[str, Any]:
    day = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    cargo = [{"kind": "containers", "tonnes": 4200.5}, {"kind": "vehicles", "tonnes": 96}]
    return {
        "imo": "9321483",
        "name": "Pearl Star",
        "port": "CNSHK",
        "expected_at": f"{day}T06:30:00+08:00",
        "cargo": cargo,
    }


def _client(node: DemonstrationNode, token: str) -> Client:
    return Client(node.config.portal_origin, token)


def _attach(node: DemonstrationNode) -> str:
    out = _kouan(
        node, "system", "add", SYSTEM, "--department", "Marine (demonstration)",
        "--may-send", TYPE, "--may-receive", TYPE,
    )  # fmt: skip
    token = out.split()[0]
    click.echo(f"   {node.side}: {SYSTEM}, {token[:18]}…")
    return token


def _kouan(node: DemonstrationNode, *arguments: str) -> str:
    """Run the program as the node's operator would, and return what it prints."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "kouan.cli", "--node", str(node.path), *arguments],
        env=node_environment(node),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DemonstrationFailed(f"kouan {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout
