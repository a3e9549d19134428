"""How an app declares what may cross the boundary, and what handles it.

An app's ``crossings.py`` holds nothing but these declarations and their handlers. A message whose
type is not declared cannot be sent and is refused when it arrives. The message catalogue is made
from the same declarations.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar

from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, ValidationError

from kouan.core import cbor
from kouan.core.errors import KouanError
from kouan.core.exchange.blobs.errors import OversizedBlob
from kouan.core.exchange.blobs.reference import BlobLimit, blobs_in, names_blobs
from kouan.core.policy.elements import elements_of, personal_among

if TYPE_CHECKING:
    import builtins
    import uuid

    from django.utils.functional import _StrOrPromise

    from kouan.core.policy import Denied

MAX_PAYLOAD: Final = 1 << 20
"""The most bytes any declaration may allow its payload; larger content travels apart."""

MAX_TYPE: Final = 80
_TYPE = re.compile(r"[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+")


class Payload(BaseModel):
    """Base of every payload: immutable, strict (no coercion), no field that is not declared."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)


P = TypeVar("P", bound=Payload)


class Consent(enum.Enum):
    """Whether the person whom a message is about must have agreed to it."""

    NOT_NEEDED = "not-needed"
    REQUIRED = "required"


class Keep(enum.Enum):
    """How long the channel keeps what messages of a kind say; that they crossed stays provable."""

    UNTIL_HANDLED = "until-handled"
    """The receiver's node erases it once the handler has run; the sender's as with ``TERM``."""
    TERM = "term"
    """Each node erases it ``exchange.keep_bodies_days`` after the message's end: until then it can be offered
    again to a node that was put back to a backup, and taken as evidence."""
    ON_RECORD = "on-record"
    """For good."""

    @property
    def stored(self) -> str | None:
        """What a body's row says of it: nothing if it stays."""
        return None if self is Keep.ON_RECORD else self.value


class UndeclaredCrossing(KouanError):
    """A message type that no app of this node declares."""

    code = "undeclared-crossing"
    status = 422
    message = _("The message type %(type)s version %(version)s is not declared on this node.")


class IllFormedPayload(KouanError):
    """A payload that does not fit its declaration."""

    code = "ill-formed-payload"
    status = 422
    message = _("The payload of %(type)s does not fit its declaration: %(detail)s.")


class OversizedPayload(KouanError):
    """A payload larger than its declaration allows."""

    code = "oversized-payload"
    status = 413
    message = _("The payload of %(type)s has %(size)s bytes; its declaration allows %(limit)s.")


@dataclass(frozen=True, slots=True)
class Basis:
    """What a message says that it rests on."""

    agreement: str
    agreement_digest: bytes | None
    """None for what is yet to leave: the newest text counts."""
    consent: str | None


@dataclass(frozen=True, slots=True)
class Received(Generic[P]):
    """A message as its handler sees it: opened, checked, decided, and not yet handled."""

    id: uuid.UUID
    sender: str
    conversation: uuid.UUID
    sent_at: datetime
    payload: P
    basis: Basis | None = None
    """For a kind of message that ``tells`` what it holds: what the decision about it is made of."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message of ours that will have no effect at the other side, and why."""

    id: uuid.UUID
    receiver: str
    conversation: uuid.UUID
    code: str


@dataclass(frozen=True, slots=True)
class SentAgain:
    """A dead letter of ours that an operator sends again, as a message of its own."""

    id: uuid.UUID
    before: uuid.UUID
    """The id that it had as a dead letter."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A message of another side that this side's policy did not let in, at the door or in its handler."""

    id: uuid.UUID
    sender: str
    conversation: uuid.UUID
    told: Told
    basis: Basis
    denied: Denied


@dataclass(frozen=True, slots=True)
class Told:
    """What a decision needs to know of a message, without what it says."""

    elements: frozenset[str]
    """The kinds of data that it holds."""
    purpose: str
    """What it is for: a term of the W3C Data Privacy Vocabulary."""
    subject: str = ""
    """The person whom it is about, as the receiver knows them."""


class Later(enum.Enum):
    """What a handler returns when the message's end is not its to tell."""

    LATER = "later"


LATER: Final = Later.LATER
"""The handler has stored the message; ``handling.finish`` tells the sender how it ended, when it has."""

Handler = Callable[[Received[P]], Later | None]
UndeliveredHandler = Callable[[Undelivered], None]
SentAgainHandler = Callable[[SentAgain], None]
RefusedHandler = Callable[[Refused], None]


@dataclass(eq=False, kw_only=True)
class Crossing(Generic[P]):
    """One kind of message that may cross, with everything that must be known about it.

    ``type`` is a dotted name, ``version`` a small integer; together they are unique on a node.
    ``legal_basis`` is the name that an agreement's clause must cover. ``senders`` and ``receivers`` are
    side codes or ``"any"``. ``fields`` explains each field of ``payload`` to a person, ``elements`` ties
    each to the kinds of data that it holds (``policy.elements``; several with spaces between): what no
    field is tied to does not cross. Where each payload says itself what it holds and for what, ``tells``
    returns that. ``max_bytes`` bounds the encoded payload, ``blobs`` the files beside it (none, unless it
    is given; see ``blobs.reference.Blob``), ``expires_after`` the time in which the other side must have
    accepted it. ``keep`` says how long what it says is kept: for the node's term where it may be about a
    person, else for good; what needs a consent never is. Declaring registers; a mistake in a declaration
    stops start-up with ``ValueError``.
    """

    type: str
    version: int
    payload: builtins.type[P]
    title: _StrOrPromise
    purpose: _StrOrPromise
    purpose_code: str
    legal_basis: str
    fields: Mapping[str, _StrOrPromise]
    elements: Mapping[str, str]
    consent: Consent
    consent_reason: _StrOrPromise
    senders: Collection[str] | Literal["any"] = "any"
    receivers: Collection[str] | Literal["any"] = "any"
    max_bytes: int = 64 * 1024
    blobs: BlobLimit | None = None
    expires_after: timedelta = timedelta(days=1)
    tells: Callable[[P], Told] | None = None
    keep: Keep | None = None
    kept: Keep = field(default=Keep.ON_RECORD, init=False)
    """``keep``, or what follows from the kinds of data."""
    always: frozenset[str] = field(default=frozenset(), init=False)
    """The kinds of data that each message of this kind may hold."""
    handle: Handler[P] | None = field(default=None, init=False)
    handle_undelivered: UndeliveredHandler | None = field(default=None, init=False)
    handle_refused: RefusedHandler | None = field(default=None, init=False)
    handle_sent_again: SentAgainHandler | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if not _TYPE.fullmatch(self.type) or len(self.type) > MAX_TYPE:
            raise ValueError(
                f"crossing type {self.type!r}: use dotted lower-case names, {MAX_TYPE} characters"
            )
        if not 0 <= self.version < 1 << 16:
            raise ValueError(f"{self.type}: the version is a small number")
        explained, declared = set(self.fields), set(self.payload.model_fields)
        if explained != declared:
            raise ValueError(
                f"{self.type}: explain every payload field; differs in {sorted(explained ^ declared)}"
            )
        if set(self.elements) != declared:
            raise ValueError(
                f"{self.type}: tie every payload field to kinds of data; differs in "
                f"{sorted(set(self.elements) ^ declared)}"
            )
        if loose := sorted(name for name, ids in self.elements.items() if not ids.split()):
            raise ValueError(f"{self.type}: the field {loose[0]} is tied to no kind of data")
        self.always = frozenset(" ".join(self.elements.values()).split())
        elements_of(self.always)
        if not 0 < self.max_bytes <= MAX_PAYLOAD:
            raise ValueError(f"{self.type}: max_bytes must be between 1 and {MAX_PAYLOAD}")
        if names_blobs(self.payload) is not (self.blobs is not None):
            raise ValueError(
                f"{self.type}: say with `blobs` how many files its payload may name, or name none"
            )
        needs_consent = self.consent is Consent.REQUIRED or self.tells is not None
        about_persons = needs_consent or personal_among(self.always)
        self.kept = self.keep or (Keep.TERM if about_persons else Keep.ON_RECORD)
        if needs_consent and self.kept is Keep.ON_RECORD:
            raise ValueError(f"{self.type}: what a person consents to is not kept for good")
        registry.add(self)

    def __str__(self) -> str:
        return f"{self.type}/{self.version}"

    def handler(self, function: Handler[P]) -> Handler[P]:
        """Name what handles an arrived message.

        It runs in the transaction that also marks the message handled: its writes and its own
        messages happen once or not at all. A ``KouanError`` refuses the message for good, unless its
        status says that the node is at fault (500 and above); that and any other exception is tried
        again later. One that returns ``LATER`` has stored the message: its sender hears how it ended
        when ``handling.finish`` is called.
        """
        if self.handle is not None:
            raise ValueError(f"{self}: a second handler")
        self.handle = function
        return function

    def undelivered(self, function: UndeliveredHandler) -> UndeliveredHandler:
        """Name what is told, in one transaction with the fact, that a message of ours failed."""
        if self.handle_undelivered is not None:
            raise ValueError(f"{self}: a second handler of undelivered messages")
        self.handle_undelivered = function
        return function

    def sent_again(self, function: SentAgainHandler) -> SentAgainHandler:
        """Name what is told, in one transaction with the fact, that a dead letter of ours is sent again."""
        if self.handle_sent_again is not None:
            raise ValueError(f"{self}: a second handler of messages sent again")
        self.handle_sent_again = function
        return function

    def refused(self, function: RefusedHandler) -> RefusedHandler:
        """Name what is told, in one transaction with the fact, that a message for us was denied here."""
        if self.handle_refused is not None:
            raise ValueError(f"{self}: a second handler of refused messages")
        self.handle_refused = function
        return function

    def told(self, payload: P | None) -> Told:
        """Return what a message holds and is for: with this payload, or always."""
        if self.tells is None or payload is None:
            return Told(self.always, self.purpose_code)
        told = self.tells(payload)
        return Told(self.always | told.elements, told.purpose, told.subject)

    def encode(self, payload: P) -> bytes:
        """Return the payload's deterministic CBOR; raises ``IllFormedPayload``, ``OversizedPayload``."""
        if type(payload) is not self.payload:
            raise IllFormedPayload(type=self.type, detail=f"a {self.payload.__name__} is expected")
        self._check_blobs(payload)
        value = payload.model_dump(mode="python")
        try:
            cbor.check_types(value)
            data = cbor.encode(value)
        except (cbor.NotDeterministicCBOR, ValueError) as error:
            # No peer could read it: a date, say, that should cross as text; or half a character.
            raise IllFormedPayload(type=self.type, detail=type(error).__name__) from None
        if len(data) > self.max_bytes:
            raise OversizedPayload(type=self.type, size=len(data), limit=self.max_bytes)
        return data

    def decode_bytes(self, data: bytes) -> P:
        """Return the payload of its deterministic CBOR; an error's detail never holds values.

        Raises ``OversizedPayload``, ``NotDeterministicCBOR`` or ``IllFormedPayload``.
        """
        if len(data) > self.max_bytes:
            raise OversizedPayload(type=self.type, size=len(data), limit=self.max_bytes)
        try:
            payload = self.payload.model_validate(cbor.decode(data, max_bytes=self.max_bytes))
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(str(part)[:40] for part in item['loc'][:6]) or 'payload'}: {item['type']}"
                for item in error.errors(include_url=False, include_context=False, include_input=False)[:5]
            )
            raise IllFormedPayload(type=self.type, detail=problems) from None
        self._check_blobs(payload)
        return payload

    def _check_blobs(self, payload: P) -> None:
        """Hold the files that a payload names against the declaration."""
        if self.blobs is None:  # then its payloads have no place for one
            return
        named = blobs_in(payload)
        if len(named) > self.blobs.most or len({blob.id for blob in named}) < len(named):
            raise IllFormedPayload(type=self.type, detail="more files than declared, or one named twice")
        for blob in named:
            if blob.size > self.blobs.each_bytes:
                raise OversizedBlob(size=blob.size, type=self.type, limit=self.blobs.each_bytes)


class Registry:
    """All declarations of this process."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Crossing[Any]] = {}

    def add(self, crossing: Crossing[Any]) -> None:
        """Register; two declarations of one type and version are a ``ValueError``."""
        key = (crossing.type, crossing.version)
        if key in self._known:
            raise ValueError(f"{crossing} is declared twice")
        self._known[key] = crossing

    def get(self, type_: str, version: int) -> Crossing[Any]:
        """Return the declaration; raises ``UndeclaredCrossing``."""
        try:
            return self._known[type_, version]
        except KeyError:
            raise UndeclaredCrossing(type=type_[:80], version=version) from None

    def kept(self, type_: str, version: int) -> Keep:
        """Return how long bodies of a kind are kept; a kind that nobody declares may be about anybody."""
        known = self._known.get((type_, version))
        return Keep.TERM if known is None else known.kept

    def all(self) -> list[Crossing[Any]]:
        """Return every declaration, by type and version."""
        return [self._known[key] for key in sorted(self._known)]

    def remove(self, crossing: Crossing[Any]) -> None:
        """Forget a declaration (a test's own)."""
        self._known.pop((crossing.type, crossing.version), None)


registry: Final = Registry()
