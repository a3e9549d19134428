"""Posting to a system of this side: one request, bounded in time and size, that follows nobody anywhere.

Webhooks, services that are told of a sign-out, the issuer of a document: at addresses that an operator or a
registrar set. Peers are reached through ``transport``, with mutual TLS.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from kouan.core.addresses import is_loopback_host, may_connect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TIMEOUT: Final = 10.0
"""Seconds for the whole of it: name, connection, TLS, answer."""
MOST: Final = 4096
"""Bytes of an answer's body that are read; the rest is dropped with the connection."""


class RefusedAddress(OSError):
    """The host has no address to which the node may connect."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try."""

    status: int | None
    problem: str
    milliseconds: int
    body: bytes = b""
    """The first ``MOST`` bytes of what was answered."""

    @property
    def arrived(self) -> bool:
        """Whether the receiver took it: any 2xx. A redirection is a failure, as it is not followed."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP's success

    @property
    def gone(self) -> bool:
        """Whether the receiver asks not to be called again (410)."""
        return self.status == http.client.GONE


class _Pinned(http.client.HTTPConnection):
    """Connects to the very address that was looked at, so that a name cannot turn into another meanwhile."""

    context: ssl.SSLContext | None = None
    line: socket.socket | None = None
    """The socket, also while only the answer holds it."""

    def connect(self) -> None:
        plain = socket.create_connection((_address(self.host, self.port), self.port), self.timeout)
        self.sock = (
            plain if self.context is None else self.context.wrap_socket(plain, server_hostname=self.host)
        )
        self.line = self.sock


def _address(host: str, port: int) -> str:
    loopback = is_loopback_host(host)
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        if may_connect(address, loopback=loopback):
            return address
    raise RefusedAddress(host)


def post(url: str, body: bytes, headers: Mapping[str, str], *, ca: Path | None = None) -> Outcome:
    """Post once to an address of this side and return what came of it, whatever that is."""
    began = time.monotonic()
    status: int | None = None
    problem, read = "", b""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    connection = _Pinned(
        parts.hostname or "",
        parts.port or (http.client.HTTPS_PORT if secure else http.client.HTTP_PORT),
        timeout=TIMEOUT,
    )
    # A server that sends a byte now and then would keep each single read in time.
    limit = threading.Timer(TIMEOUT, _break, (connection,))
    limit.daemon = True
    limit.start()
    try:
        if secure:
            connection.default_port = http.client.HTTPS_PORT
            connection.context = ssl.create_default_context(cafile=str(ca) if ca else None)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body=body, headers=dict(headers))
        answer = connection.getresponse()
        read = answer.read(MOST)
        status = answer.status
    except (OSError, http.client.HTTPException, ValueError) as error:
        problem = "Timeout" if time.monotonic() - began >= TIMEOUT else type(error).__name__[:64]
    finally:
        limit.cancel()
        connection.close()
    return Outcome(status, problem, round((time.monotonic() - began) * 1000), read)


def _break(connection: _Pinned) -> None:
    if connection.line is not None:
        with contextlib.suppress(OSError):  # below TLS, which another thread is reading
            socket.socket.shutdown(connection.line, socket.SHUT_RDWR)
