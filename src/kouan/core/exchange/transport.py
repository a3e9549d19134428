"""Posting to a peer's door: mutual TLS 1.3 with keys pinned by its trust document."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.parse import urlsplit

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.core.exchange import wire
from kouan.core.exchange.door import SENT_HEADER
from kouan.core.exchange.times import check_clock, milliseconds
from kouan.core.sides import side_name
from kouan.core.trust import certificates
from kouan.core.trust.queries import own

if TYPE_CHECKING:
    from kouan.core.trust.member import MemberKeys

MAX_ANSWER: Final = wire.MAX_BATCHES * 1024 + wire.MAX_RECEIPT
CONNECT_TIMEOUT: Final = 5.0
ANSWER_TIMEOUT: Final = 45.0
"""Seconds without a byte from the peer after which a connection is given up."""


class PeerUnreachable(KouanError):
    """No answer came from the peer's door."""

    code = "peer-unreachable"
    status = 503
    message = _("The door of %(peer)s does not answer (%(detail)s).")
    words: ClassVar = {"peer": side_name}


class PeerRefused(KouanError):
    """The peer's door answered, and refused the whole request."""

    code = "peer-refused"
    status = 502
    message = _("The door of %(peer)s refused (%(answer_status)s): %(detail)s")
    words: ClassVar = {"peer": side_name}


@dataclass(frozen=True, slots=True)
class DoorAnswer:
    """What a peer's door said."""

    status: int
    content_type: str
    body: bytes
    retry_after: float | None = None


class _Connection(http.client.HTTPSConnection):
    """A connection that expects the peer's node by name, wherever its door is."""

    def __init__(
        self, host: str, port: int | None, context: ssl.SSLContext, name: str, answer_within: float
    ) -> None:
        super().__init__(host, port, timeout=answer_within, context=context)
        self._tls = context
        self._name = name

    def connect(self) -> None:
        """Connect and shake hands."""
        plain = _connected(self.host, self.port)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock = self._tls.wrap_socket(plain, server_hostname=self._name)
            self.sock.settimeout(self.timeout)
        except BaseException:
            plain.close()
            raise


def _connected(host: str, port: int) -> socket.socket:
    plain = socket.create_connection((host, port), CONNECT_TIMEOUT)
    if plain.getsockname() == plain.getpeername():
        # Nobody listens there, and the system gave this end the very port that it was to reach.
        plain.close()
        raise ConnectionRefusedError("connected to itself")
    return plain


def connection_to(
    member: MemberKeys, *, answer_within: float = ANSWER_TIMEOUT
) -> http.client.HTTPSConnection:
    """Return a connection, not yet open, to the door that a trust document names, and to no other node.

    ``answer_within`` are seconds of silence.
    """
    context = ssl.create_default_context(cadata=member.tls_ca_pem.decode("ascii"))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(own().tls_certificate, own().tls_key)
    place = urlsplit(member.door_url)
    return _Connection(
        place.hostname or "", place.port or 443, context, certificates.node_name(member.side), answer_within
    )


class Line:
    """One persistent connection to one peer's door, for one thread."""

    def __init__(self, member: MemberKeys) -> None:
        self.member = member
        self._connection: http.client.HTTPSConnection | None = None
        self._used = False
        self._asked: tuple[str, str, bytes, str] | None = None

    def alive(self) -> bool:
        """Ask whether the peer's door is open; raises ``PeerUnreachable`` or ``PeerRefused``."""
        self.begin("/alive", b"", "text/plain", method="GET")
        return self.finish().status == http.HTTPStatus.OK

    def post(self, path: str, body: bytes, content_type: str, *, most: int = MAX_ANSWER) -> DoorAnswer:
        """Post ``body`` and return the answer, whatever its status; raises ``PeerUnreachable``.

        An answer of more than ``most`` bytes is refused.
        """
        self.begin(path, body, content_type)
        return self.finish(most=most)

    def begin(self, path: str, body: bytes, content_type: str, *, method: str = "POST") -> None:
        """Send a request; ``finish`` waits for its answer. Raises ``PeerUnreachable``."""
        self._asked = (method, path, body, content_type)
        try:
            try:
                self._send()
            except OSError:
                if not self._used:
                    raise
                self.close()  # it had been idle, and the peer's door has closed it meanwhile
                self._send()
        except _FAULTS as error:
            self.close()
            raise self._unreachable(error) from None

    def finish(self, *, most: int = MAX_ANSWER) -> DoorAnswer:
        """Return the answer to what ``begin`` sent; raises ``PeerUnreachable`` or ``PeerRefused``."""
        try:
            try:
                answer = self._receive(most)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
                if not self._used:
                    raise
                self.close()  # as above, but noticed later
                self._send()
                answer = self._receive(most)
        except _FAULTS as error:
            self.close()
            raise self._unreachable(error) from None
        except KouanError:
            self.close()
            raise
        self._used = True
        return answer

    def _send(self) -> None:
        assert self._asked is not None  # noqa: S101 - set by begin
        method, path, body, content_type = self._asked
        if self._connection is None:
            self._connection = connection_to(self.member)
            self._used = False
        now = milliseconds(timezone.now())
        self._connection.request(
            method,
            path,
            body,
            headers={
                "content-type": content_type,
                SENT_HEADER.decode(): str(now),
                "accept-encoding": "identity",
            },
        )

    def _receive(self, most: int) -> DoorAnswer:
        assert self._connection is not None  # noqa: S101 - opened by begin
        response = self._connection.getresponse()
        data = response.read(most + 1)
        if len(data) > most or (not data and not response.isclosed()):
            raise PeerRefused(
                peer=self.member.side, answer_status=response.status, detail="its answer is too long"
            )
        response.close()
        theirs = response.getheader(SENT_HEADER.decode(), "")
        if _number(theirs):
            check_clock(milliseconds(timezone.now()), int(theirs), past=True)
        pause = response.getheader("retry-after", "")
        return DoorAnswer(
            response.status,
            response.headers.get_content_type(),
            data,
            float(pause) if _number(pause) else None,
        )

    def refusal(self, answer: DoorAnswer) -> PeerRefused:
        """Return the error that an answer other than success stands for."""
        # It goes into the log and before the operator: one line, without the peer's control characters.
        said = answer.body[:300].decode("utf-8", "replace")
        text = "".join(one if one.isprintable() else "\ufffd" for one in said)
        refused = PeerRefused(
            peer=self.member.side, answer_status=answer.status, detail=text, code=_code(answer.body)
        )
        refused.retry_after = answer.retry_after
        return refused

    def _unreachable(self, error: BaseException) -> PeerUnreachable:
        return PeerUnreachable(peer=self.member.side, detail=_brief(error))

    def close(self) -> None:
        """Close the connection; the next post opens another."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(OSError):
                connection.close()


_FAULTS: Final = (http.client.HTTPException, OSError, ValueError)


def _number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 15  # noqa: PLR2004 - milliseconds for the next 30,000 years


def _code(body: bytes) -> str:
    """Return the code of a problem document (RFC 9457), or nothing if it is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    code = value.get("code") if isinstance(value, dict) else None
    return code[:64] if isinstance(code, str) else ""


def _brief(error: BaseException) -> str:
    text = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}: {text}"[:200] if text else type(error).__name__
