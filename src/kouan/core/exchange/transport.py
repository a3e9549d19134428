"""Posting to a peer's door: mutual TLS 1.3 with keys pinned by its trust document."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.core.exchange import wire
from kouan.core.exchange.door import SENT_HEADER
from kouan.core.exchange.times import check_clock, milliseconds
from kouan.core.trust import certificates
from kouan.core.trust.queries import own

if TYPE_CHECKING:
    from kouan.core.trust.member import MemberKeys

MAX_ANSWER: Final = wire.MAX_RECEIPT
_TIMEOUT: Final = aiohttp.ClientTimeout(total=60, sock_connect=5, sock_read=45)


class PeerUnreachable(KouanError):
    """No answer came from the peer's door."""

    code = "peer-unreachable"
    status = 503
    message = _("The door of %(peer)s does not answer (%(detail)s).")


class PeerRefused(KouanError):
    """The peer's door answered, and refused the whole request."""

    code = "peer-refused"
    status = 502
    message = _("The door of %(peer)s refused (%(answer_status)s): %(detail)s")


@dataclass(frozen=True, slots=True)
class DoorAnswer:
    """What a peer's door said."""

    status: int
    content_type: str
    body: bytes


class Line:
    """One persistent connection to one peer's door."""

    def __init__(self, member: MemberKeys) -> None:
        self.member = member
        self._session: aiohttp.ClientSession | None = None

    async def post_batch(self, body: bytes) -> bytes:
        """Post a batch and return the receipt's bytes; raises ``PeerUnreachable`` or ``PeerRefused``."""
        answer = await self.post("/batch", body, "application/cbor")
        if answer.status != 200 or answer.content_type != wire.RECEIPT_TYPE:  # noqa: PLR2004 - HTTP OK
            raise self.refusal(answer)
        return answer.body

    async def post(self, path: str, body: bytes, content_type: str, *, most: int = MAX_ANSWER) -> DoorAnswer:
        """Post ``body`` and return the answer, whatever its status; raises ``PeerUnreachable``.

        An answer of more than ``most`` bytes is refused.
        """
        session = self._open()
        now = milliseconds(timezone.now())
        try:
            async with session.post(
                self.member.door_url + path,
                data=body,
                headers={"content-type": content_type, SENT_HEADER.decode(): str(now)},
                server_hostname=certificates.node_name(self.member.side),
                allow_redirects=False,
            ) as response:
                data = await response.content.read(most + 1)
                while len(data) <= most and not response.content.at_eof():
                    data += await response.content.read(most + 1 - len(data))
                if len(data) > most:
                    raise PeerRefused(
                        peer=self.member.side, answer_status=response.status, detail="its answer is too long"
                    )
                theirs = response.headers.get(SENT_HEADER.decode(), "")
                if theirs.isdigit() and len(theirs) <= 15:  # noqa: PLR2004 - milliseconds for the next 30,000 years
                    check_clock(milliseconds(timezone.now()), int(theirs), past=True)
                return DoorAnswer(response.status, response.content_type, data)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            await self.close()
            raise PeerUnreachable(peer=self.member.side, detail=_brief(error)) from None

    def refusal(self, answer: DoorAnswer) -> PeerRefused:
        """Return the error that an answer other than success stands for."""
        # It goes into the log and before the operator: one line, without the peer's control characters.
        said = answer.body[:300].decode("utf-8", "replace")
        text = "".join(one if one.isprintable() else "\ufffd" for one in said)
        return PeerRefused(peer=self.member.side, answer_status=answer.status, detail=text)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            context = ssl.create_default_context(cadata=self.member.tls_ca_pem.decode("ascii"))
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.load_cert_chain(own().tls_certificate, own().tls_key)
            connector = aiohttp.TCPConnector(ssl=context, limit=4, keepalive_timeout=75)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=_TIMEOUT, auto_decompress=False, trust_env=False
            )
        return self._session

    async def close(self) -> None:
        """Close the connection; the next post opens another."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()


def _brief(error: BaseException) -> str:
    text = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}: {text}"[:200] if text else type(error).__name__
