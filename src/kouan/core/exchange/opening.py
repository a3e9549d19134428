"""What stands in a peer's batch: whether its signature holds, and each message against the rules.

Nothing here writes: a batch is looked at before the transaction that takes it in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError
from kouan.core.exchange import wire
from kouan.core.exchange.blobs.reference import Blob, blobs_in
from kouan.core.exchange.crossing import Consent, Crossing, Payload, registry
from kouan.core.exchange.outbox import decide
from kouan.core.exchange.recovery.offered import offered_again
from kouan.core.exchange.sealing import key_info
from kouan.core.exchange.shapes import MalformedWire
from kouan.core.exchange.times import check_clock, from_milliseconds, milliseconds
from kouan.core.ledger.merkle import leaf_hash, root_of
from kouan.core.policy import Allowed, Denied
from kouan.core.trust import cose, sealing
from kouan.core.trust.errors import UnknownKey, UnknownSuite
from kouan.core.trust.queries import get_member, own
from kouan.core.trust.suites import get_suite

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class NotForUs(KouanError):
    """A batch whose statement names another sender or receiver."""

    code = "not-for-us"
    status = 403
    message = _("The batch is signed by %(signer)s but says it goes from %(sender)s to %(receiver)s.")


class RootMismatch(KouanError):
    """The messages are not those that were signed."""

    code = "root-mismatch"
    status = 422
    message = _("The messages in the batch are not those that its signature covers.")


class UnknownSealKey(KouanError):
    """The batch is sealed to a key that this node does not have (any more)."""

    code = "unknown-seal-key"
    status = 422
    message = _(
        "The batch is sealed to a key that this node does not hold. Import its newest trust document."
    )


class Unreadable(KouanError):
    """One message that cannot be opened or does not hold what its header promises."""

    code = "unreadable"
    status = 422
    message = _("The message cannot be opened, or is not what its header promises.")


class Expired(KouanError):
    """One message that arrived after its time."""

    code = "expired"
    status = 422
    message = _("The message arrived after its expiry.")


class CountsTooLong(KouanError):
    """One message that would count for longer than its declaration says: its times are not the sender's."""

    code = "counts-too-long"
    status = 422
    message = _("The message was made longer ago than its declaration lets it count.")


class Misaddressed(KouanError):
    """One message whose header does not agree with its batch."""

    code = "misaddressed"
    status = 422
    message = _("The message's header does not agree with its batch.")


class OtherClause(Denied):
    """One message that relies on another clause than the one that allows it."""

    code = "other-clause"
    status = 422
    message = _("The message does not rely on the clause that allows it (%(clause)s).")


@dataclass(slots=True)
class Opened:
    """One message of a batch after the checks; ``code`` is why it is refused, if it is."""

    raw_header: bytes
    header_digest: bytes
    ciphertext_digest: bytes
    leaf: bytes
    """What its leaf in the batch's tree is made of."""
    position: int
    header: wire.Header | None = None
    body: bytes | None = None
    code: str | None = None
    denied: Denied | None = None
    """The policy's decision, where that is why."""
    duplicate: bool = field(default=False)
    blobs: tuple[Blob, ...] = ()
    """The files that it names."""
    held_until: datetime | None = None
    """Until its files are here, and at most until then, its handler is not called."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A batch whose signature holds; its messages may not have been looked at."""

    signed: bytes
    digest: bytes
    statement: wire.Statement
    alg: int
    twice: bool
    """Whether there is a second signature."""
    pairs: Sequence[tuple[bytes, bytes]]
    size: int
    """Bytes of statement, headers and sealed bodies."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A signed batch, and what each of its messages is."""

    batch: Signed
    leaves: list[bytes]
    opened: list[Opened]


def read(signed: bytes, pairs: Sequence[tuple[bytes, bytes]], now: datetime) -> Signed:
    """Check who signed a batch and for whom; raises the ``KouanError`` that says what is wrong."""
    unverified = cose.read1(
        signed, content_type=wire.BATCH_TYPE, max_bytes=wire.MAX_STATEMENT + cose.OVERHEAD
    )
    statement = wire.Statement.decode(unverified.payload)
    check_clock(milliseconds(now), statement.sealed_at, past=False)
    # Only the keys of the side that the batch says it is from can prove that it is. The key must have
    # been valid when it signed: a batch is sent again until it is receipted.
    member = get_member(statement.sender[:16])
    unverified.verify(member.verification_key(unverified.kid, from_milliseconds(statement.sealed_at)))
    if (statement.sender, statement.receiver) != (member.side, settings.NODE.side):
        raise NotForUs(signer=member.side, sender=statement.sender[:16], receiver=statement.receiver[:16])
    size = len(signed) + sum(len(header) + len(sealed) for header, sealed in pairs)
    return Signed(
        signed, wire.digest(signed), statement, unverified.alg, unverified.second is not None, pairs, size
    )


def examine(batch: Signed, now: datetime) -> Examined:
    """Open every message of a batch; one that is bad by itself has a code, a bad whole raises."""
    if batch.statement.suite not in get_member(batch.statement.sender).suites:
        raise UnknownSuite(suite=batch.statement.suite)
    suite = get_suite(batch.statement.suite)
    # So what signs twice says so under its first signature, and none can take the second away unseen.
    if (suite.cose_alg, suite.twice) != (batch.alg, batch.twice):
        raise MalformedWire(what="statement", detail="suite")
    if len(batch.pairs) != batch.statement.count:
        raise RootMismatch
    opened = []
    for position, (header, ciphertext) in enumerate(batch.pairs):
        digest = wire.digest(ciphertext)
        leaf = wire.leaf(header, digest)
        opened.append(Opened(header, wire.digest(header), digest, leaf, position))
    leaves = [leaf_hash(item.leaf) for item in opened]
    if root_of(leaves) != batch.statement.root:
        raise RootMismatch
    _open_all(batch.statement, batch.pairs, opened, now)
    return Examined(batch, leaves, opened)


def _open_all(
    statement: wire.Statement,
    pairs: Sequence[tuple[bytes, bytes]],
    opened: Sequence[Opened],
    now: datetime,
) -> None:
    """Open each message of a batch; one that is bad by itself gets a code, a bad whole raises."""
    try:
        private = own().decryption_key(statement.recipient_kid)
    except UnknownKey:
        raise UnknownSealKey from None
    info = key_info(statement.sender, statement.receiver, statement.first, statement.root)
    batch_key = sealing.unwrap_batch_key(statement.wrapped_key, private, info=info)
    admission = _Admission(statement.sender, now)
    for item, (raw, ciphertext) in zip(opened, pairs, strict=True):
        try:
            item.header = _header(raw, statement, item.position)
            item.body = _body(item.header, raw, ciphertext, batch_key)
            item.blobs = admission.admit(item.header, item.body)
        except KouanError as error:
            item.code = error.code
            item.denied = error if isinstance(error, Denied) else None


def _header(raw: bytes, statement: wire.Statement, position: int) -> wire.Header:
    header = wire.Header.decode(raw)
    if (header.sender, header.receiver, header.sequence) != (
        statement.sender,
        statement.receiver,
        statement.first + position,
    ):
        raise Misaddressed
    return header


def _body(header: wire.Header, raw: bytes, ciphertext: bytes, batch_key: bytes) -> bytes:
    body = sealing.open_sealed(sealing.message_key(batch_key, header.id.bytes), ciphertext, raw)
    if wire.digest(body) != header.body:
        raise Unreadable
    return body


class _Admission:
    """Holds the opened messages of one batch against their declarations and this side's policy."""

    def __init__(self, sender: str, now: datetime) -> None:
        self._sender = sender
        self._now = now
        self._decided: dict[tuple[str, int, bytes], Allowed] = {}
        """Decisions in which nothing of the one message plays a part."""

    def admit(self, header: wire.Header, body: bytes) -> tuple[Blob, ...]:
        """Return the files that a message names; raises why it is refused, if it is."""
        if from_milliseconds(header.expires) < self._now:
            raise Expired
        crossing = registry.get(header.type, header.version)
        self._check_life(header, crossing.expires_after)
        payload = crossing.decode_bytes(wire.decode_body(body, max_bytes=crossing.max_bytes))
        allowed = self._decide(crossing, header, payload)
        # Both sides hold the same words and decide alike: what the header relies on is what allows it.
        if (header.agreement, header.clause) != (allowed.agreement.id, allowed.clause.id):
            raise OtherClause(clause=allowed.clause.id)
        return () if crossing.blobs is None else blobs_in(payload)

    def _check_life(self, header: wire.Header, lifetime: timedelta) -> None:
        """Refuse a message that was made longer ago than it counts, whatever it says of its end.

        What the sender offers again since the streams began anew is older, and counts from then.
        """
        made, until = from_milliseconds(header.created), from_milliseconds(header.expires)
        longest = lifetime + timedelta(seconds=settings.NODE.exchange.clock_tolerance_s)
        if until - made <= longest:
            return
        again = offered_again(self._sender, now=self._now)
        if again is None or made > again.made_by or until > again.first_at + longest:
            raise CountsTooLong

    def _decide(self, crossing: Crossing[Any], header: wire.Header, payload: Payload) -> Allowed:
        key = (header.type, header.version, header.agreement_digest)
        allowed = self._decided.get(key)
        if allowed is None:
            allowed = decide(
                crossing,
                sender=self._sender,
                receiver=settings.NODE.side,
                consent=header.consent,
                at=self._now,
                agreement_digest=header.agreement_digest,
                agreement=header.agreement if crossing.tells is not None else None,
                payload=payload,
            )
            if crossing.consent is not Consent.REQUIRED and crossing.tells is None:
                self._decided[key] = allowed
        return allowed
