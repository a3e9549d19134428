"""Calling a peer's door: one question and its answer, while somebody waits; see ``calls``."""

from __future__ import annotations

import http.client
import ssl
import threading
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from django.utils import timezone

from kouan.core.database.sharing import lend_session
from kouan.core.exchange.calls import MAX_CALL, RETURNED, TOLD, CallAnswer
from kouan.core.exchange.door import SENT_HEADER
from kouan.core.exchange.times import check_clock, milliseconds
from kouan.core.exchange.transport import PeerRefused, PeerUnreachable, connection_to
from kouan.core.trust.queries import get_member

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.core.trust.member import MemberKeys

ANSWER_WITHIN: Final = 5.0
"""Seconds of silence after which the one who asks gives up: a person waits."""


def address_of(side: str, path: str) -> str:
    """Return the whole address of a call to a member, as tokens that are bound to it name it."""
    return get_member(side).door_url + path


def ask(to: str, path: str, body: bytes, *, headers: Mapping[str, str]) -> CallAnswer:
    """Ask a member's door and return what it says, whatever the status.

    ``headers`` may hold those of ``TOLD``. Raises ``UnknownMember``, ``PeerUnreachable`` or ``PeerRefused``
    (an answer that is too long); then it is not known whether the peer has heard.
    """
    if unknown := headers.keys() - TOLD:
        raise ValueError(f"headers that no call has: {', '.join(sorted(unknown))}")
    line = _lines.take(get_member(to))
    lend_session()
    try:
        answer = line.ask(path, body, headers)
    except (http.client.HTTPException, OSError, ValueError) as error:
        line.close()
        raise PeerUnreachable(peer=to, detail=type(error).__name__) from None
    except BaseException:
        line.close()
        raise
    _lines.give_back(line)
    return answer


class _CallLine:
    """One persistent connection to one peer's door, for one call at a time."""

    def __init__(self, member: MemberKeys) -> None:
        self.member = member
        self._connection: http.client.HTTPSConnection | None = None

    def ask(self, path: str, body: bytes, headers: Mapping[str, str]) -> CallAnswer:
        fresh = self._connection is None
        try:
            return self._ask(path, body, headers)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            if fresh:
                raise
            self.close()  # it had been idle, and the peer's door has closed it: the request was never read
            return self._ask(path, body, headers)

    def _ask(self, path: str, body: bytes, headers: Mapping[str, str]) -> CallAnswer:
        if self._connection is None:
            self._connection = connection_to(self.member, answer_within=ANSWER_WITHIN)
        sent = {SENT_HEADER.decode(): str(milliseconds(timezone.now())), "accept-encoding": "identity"}
        self._connection.request("POST", path, body, headers={**headers, **sent})
        response = self._connection.getresponse()
        data = response.read(MAX_CALL + 1)
        if len(data) > MAX_CALL or not response.isclosed():
            raise PeerRefused(
                peer=self.member.side, answer_status=response.status, detail="its answer is too long"
            )
        theirs = response.getheader(SENT_HEADER.decode(), "")
        if theirs.isascii() and theirs.isdigit() and len(theirs) <= 15:  # noqa: PLR2004 - milliseconds for 30,000 years
            check_clock(milliseconds(timezone.now()), int(theirs), past=True)
        told = {name.lower(): value for name, value in response.getheaders() if name.lower() in RETURNED}
        return CallAnswer(response.status, data, MappingProxyType(told))

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Lines:
    """The connections that wait for the next call: whoever asks takes the one that was used last.

    So there are no more of them than calls at once, however many threads ask in turn.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[str, list[_CallLine]] = {}

    def take(self, member: MemberKeys) -> _CallLine:
        """Return a line to a member's door as its document has it now, made if none is free."""
        with self._lock:
            idle = self._idle.get(member.side, [])
            line = idle.pop() if idle else None
            outdated = []
            if line is not None and line.member.document != member.document:
                outdated, line = [line, *idle], None
                idle.clear()
        for each in outdated:
            each.close()
        return line or _CallLine(member)

    def give_back(self, line: _CallLine) -> None:
        """Keep a line for the next call."""
        with self._lock:
            self._idle.setdefault(line.member.side, []).append(line)

    def close(self) -> None:
        """Close all that are idle."""
        with self._lock:
            idle = [line for lines in self._idle.values() for line in lines]
            self._idle.clear()
        for line in idle:
            line.close()


_lines: Final = _Lines()


def forget() -> None:
    """Close the connections that are kept open."""
    _lines.close()
