"""A client for departments' own systems: send and receive through this side's node.

It needs Python's standard library alone, no settings and no Django, so a system may copy this one file.
What institutions' systems do is in ``kouan.institution``, which stands on it.

    with Client("https://kouan.example", token) as node:
        sent = node.send("vessel.arrival-notice", to="gd", payload={…})
        for message in node.receive():
            …
            message.ack()
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import random
import ssl
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self
from urllib.parse import quote, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

API: Final = "/api/v1/attached"
_MOST: Final = 64 << 20
_PASSING: Final = frozenset({429, 502, 503, 504})
_PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 5.0)


class NodeError(Exception):
    """The node refused; ``code`` is stable (RFC 9457), the text is for people."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", f"http-{status}"))
        self.problem = problem
        super().__init__(str(problem.get("detail", self.code)))


class NodeUnreachable(Exception):
    """The node did not answer in time, whatever was tried."""


class BadSignature(Exception):
    """A webhook's request that the node has not signed, or not now."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that the node has taken and will send."""

    id: uuid.UUID
    conversation: uuid.UUID
    key: str
    """The idempotency key: give it again to try the same message again."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message for this system. It comes again unless ``ack`` or ``refuse`` is called in time."""

    id: uuid.UUID
    sender: str
    type: str
    version: int
    conversation: uuid.UUID
    payload: Any
    handed_out: int
    """How often it was handed out; above 1, look whether it is known already."""
    raw: Mapping[str, Any] = field(repr=False)
    _client: Client = field(repr=False)

    def ack(self) -> None:
        """Take the message over for good."""
        self._client.call("POST", f"/inbox/{self.id}/ack")

    def refuse(self, code: str) -> None:
        """Do not take the message, and say why by a code such as ``unknown-vessel``."""
        self._client.call("POST", f"/inbox/{self.id}/refuse", body={"code": code})

    def evidence(self) -> bytes:
        """Return the evidence bundle; raises ``NodeError`` (409) until the message can be proved."""
        return self._client.fetch(f"/inbox/{self.id}/evidence")


class Node:
    """A connection to this side's node; each thread that uses it has its own.

    ``patience`` is how many seconds a call goes on trying while the node is busy (429, 503), is being
    started anew, or cannot be reached.
    """

    api: ClassVar[str] = "/api/v1"
    """Below which address of the node its calls are."""

    def __init__(
        self, url: str, token: str, *, timeout: float = 30.0, patience: float = 60.0, ca: str | None = None
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("the node's address is http://… or https://…")
        self._host, self._port = parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/") + self.api
        self._context = ssl.create_default_context(cafile=ca) if parts.scheme == "https" else None
        self._token, self._timeout, self._patience = token, timeout, patience
        self._local = threading.local()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End this thread's connection."""
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def fetch(self, path: str) -> bytes:
        """Return the bytes at a path below ``api``."""
        return self._answered("GET", path, None, {})

    def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        table: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Make one call with JSON or CSV, trying again while the node cannot answer."""
        data, type_ = (None if body is None else json.dumps(body).encode()), "application/json"
        if table is not None:
            data, type_ = table.encode(), "text/csv"
        given = dict(headers or {}) | ({"Content-Type": type_} if data is not None else {})
        return json.loads(self._answered(method, path, data, given) or b"null")

    def _answered(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> bytes:
        headers |= {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        until = time.monotonic() + self._patience
        tries = 0
        while True:
            pause = _PAUSES[min(tries, len(_PAUSES) - 1)] * random.uniform(0.75, 1.25)  # noqa: S311 - jitter keeps no secret
            tries += 1
            try:
                status, retry_after, answer = self._once(method, path, data, headers)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                failure: Exception = NodeUnreachable(f"{self._host}: {type(error).__name__}")
            else:
                if status < 300:  # noqa: PLR2004 - HTTP's success
                    return answer
                failure = NodeError(status, _problem(answer))
                if status not in _PASSING:
                    raise failure
                pause = max(pause, retry_after)
            if time.monotonic() + pause > until:
                raise failure from None
            time.sleep(pause)

    def _once(
        self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, float, bytes]:
        connection = self._connection()
        target = quote(self._prefix + path, safe="/?&=%-._~")
        connection.request(method, target, body=data, headers=dict(headers))
        answer = connection.getresponse()
        body = answer.read(_MOST)
        retry_after = answer.getheader("Retry-After", "0")
        if answer.will_close:
            self.close()
        return answer.status, float(retry_after) if retry_after.isdigit() else 0.0, body

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = (
                http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
                if self._context is None
                else http.client.HTTPSConnection(
                    self._host, self._port, timeout=self._timeout, context=self._context
                )
            )
            self._local.connection = connection
        return connection


class Client(Node):
    """An attached system's connection to its node; a message is sent once for its key, however often."""

    api = API

    # Sending

    def send(  # noqa: PLR0913 - what a message says, by name
        self,
        type: str,  # noqa: A002 - the field's own word
        *,
        to: str,
        payload: Mapping[str, Any],
        version: int = 1,
        key: str | None = None,
        conversation: uuid.UUID | None = None,
        consent: str | None = None,
    ) -> Sent:
        """Send one message, once, however often it has to be tried.

        Keep ``key`` with your own record if the program may die in between: the same key and message bring
        the same answer. Raises ``NodeError`` or ``NodeUnreachable``.
        """
        key = key or str(uuid.uuid4())
        body: dict[str, Any] = {"type": type, "version": version, "to": to, "payload": payload}
        if conversation is not None:
            body["conversation"] = str(conversation)
        if consent is not None:
            body["consent"] = consent
        answer = self.call("POST", "/messages", body=body, headers={"Idempotency-Key": key})
        return Sent(uuid.UUID(answer["id"]), uuid.UUID(answer["conversation"]), key)

    def message(self, message_id: uuid.UUID) -> dict[str, Any]:
        """Return how far a message of this system is."""
        state: dict[str, Any] = self.call("GET", f"/messages/{message_id}")
        return state

    def wait(self, message_id: uuid.UUID, seconds: float = 30.0) -> dict[str, Any]:
        """Return how a message ended, or how far it is after ``seconds``."""
        until = time.monotonic() + seconds
        state = self.message(message_id)
        while state["state"] in {"waiting", "sealed", "accepted"} and time.monotonic() < until:
            time.sleep(0.1)
            state = self.message(message_id)
        return state

    def evidence(self, message_id: uuid.UUID) -> bytes:
        """Return the evidence bundle of a sent message; raises ``NodeError`` (409) until it can be proved."""
        return self.fetch(f"/messages/{message_id}/evidence")

    # Receiving

    def inbox(self, *, limit: int = 10, wait: float = 0, lease: int = 60, after: int = 0) -> list[Message]:
        """Return messages that wait for this system, leased to the caller for ``lease`` seconds."""
        asked = urlencode({"limit": limit, "wait": wait, "lease": lease, "after": after})
        found = self.call("GET", f"/inbox?{asked}")["messages"]
        return [
            Message(
                id=uuid.UUID(each["id"]),
                sender=each["from"],
                type=each["type"],
                version=each["version"],
                conversation=uuid.UUID(each["conversation"]),
                payload=each["payload"],
                handed_out=each["handed_out"],
                raw=each,
                _client=self,
            )
            for each in found
        ]

    def receive(self, *, limit: int = 10, lease: int = 60, until: float | None = None) -> Iterator[Message]:
        """Yield messages as they come, for ever, or until nothing came for ``until`` seconds."""
        last = time.monotonic()
        while True:
            left = 20.0 if until is None else until - (time.monotonic() - last)
            if left <= 0:
                return
            wait = min(20.0, left)
            began = time.monotonic()
            for message in self.inbox(limit=limit, wait=wait, lease=lease):
                yield message
                last = time.monotonic()
            if time.monotonic() - began < min(0.2, wait):  # too many wait already: the node did not hold us
                time.sleep(0.2)


def _problem(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def verify_webhook(
    secret: str, headers: Mapping[str, str], body: bytes, *, tolerance: float = 300.0
) -> dict[str, Any]:
    """Return a webhook's event if the node signed it (Standard Webhooks 1.0), else raise ``BadSignature``.

    ``headers`` may be spelt in any case; ``tolerance`` is how many seconds old the request may be. The same
    ``webhook-id`` may come more than once: act on it once.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        delivery, at = given["webhook-id"], given["webhook-timestamp"]
        signatures = given["webhook-signature"].split()
        old = abs(time.time() - int(at)) > tolerance
    except (KeyError, ValueError):
        raise BadSignature("the request has no signature of a webhook") from None
    if old:
        raise BadSignature("the request is not of now")
    digest = hmac.new(key, f"{delivery}.{at}.".encode() + body, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(digest)
    if not any(hmac.compare_digest(expected, each.encode()) for each in signatures):
        raise BadSignature("the signature is not the node's")
    event: dict[str, Any] = json.loads(body)
    return event
