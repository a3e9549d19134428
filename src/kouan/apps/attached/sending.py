"""A system's message on its way: sent once for each key, whoever tries how often."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from kouan.apps.attached import crossings
from kouan.apps.attached.domain import IDEMPOTENCY_KEY
from kouan.apps.attached.errors import (
    BadMessage,
    MessageTooLarge,
    NoIdempotencyKey,
    NotDeclaredForSystems,
    OtherBodySameKey,
    TypeNotAllowed,
)
from kouan.apps.attached.models import Sent, System
from kouan.core import cbor
from kouan.core.exchange.crossing import MAX_PAYLOAD, IllFormedPayload, registry
from kouan.core.exchange.ids import new_id
from kouan.core.exchange.outbox import send

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_REQUEST: Final = 2 * MAX_PAYLOAD
"""Bytes of a request: JSON is longer than CBOR."""
_KNOWN: Final = {"type", "version", "to", "payload", "conversation", "consent"}
_NEEDED: Final = ("type", "version", "to", "payload")


@dataclass(frozen=True, slots=True)
class Request:
    """What a system asks to be sent."""

    type: str
    version: int
    to: str
    payload: Any
    conversation: uuid.UUID | None
    consent: str | None
    digest: bytes


def parse(data: bytes) -> Request:
    """Read a request; raises ``BadMessage`` or ``MessageTooLarge``, which repeat nothing of it."""
    if len(data) > MAX_REQUEST:
        raise MessageTooLarge(limit=MAX_REQUEST)
    try:
        value = json.loads(data, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadMessage(field="body", detail="JSON with no name twice is expected") from None
    if not isinstance(value, dict):
        raise BadMessage(field="body", detail="an object is expected")
    if not set(value) <= _KNOWN:
        raise BadMessage(field="body", detail=f"only {', '.join(sorted(_KNOWN))}")
    for name in _NEEDED:
        if name not in value:
            raise BadMessage(field=name, detail="missing")
    try:
        cbor.check_types(value)
        digest = hashlib.sha256(cbor.encode(value)).digest()
    except (cbor.NotDeterministicCBOR, ValueError, RecursionError):
        raise BadMessage(field="body", detail="a number or a character that cannot cross") from None
    version = value["version"]
    if type(version) is not int:
        raise BadMessage(field="version", detail="a whole number is expected")
    return Request(
        type=_text(value, "type", 80),
        version=version,
        to=_text(value, "to", 16),
        payload=value["payload"],
        conversation=_uuid(value.get("conversation")),
        consent=_text(value, "consent", 80) if value.get("consent") is not None else None,
        digest=digest,
    )


def send_once(*, system: System, key: str | None, request: Request) -> bytes:
    """Send a request's message, unless it was sent under this key before; return the answer's body.

    The same key and request get the same bytes for as long as the message is kept. Raises
    ``NoIdempotencyKey``, ``OtherBodySameKey``, ``TypeNotAllowed``, ``NotDeclaredForSystems``, or what
    ``outbox.send`` raises; then nothing was sent and the key is free.
    """
    if key is None or not re.fullmatch(IDEMPOTENCY_KEY, key):
        raise NoIdempotencyKey
    before = _before(system, key, request)
    if before is not None:
        return before
    if request.type not in system.may_send:
        raise TypeNotAllowed(system=system.name, type=request.type)
    registry.get(request.type, request.version)
    declared = crossings.find(request.type, request.version)
    if declared is None:
        raise NotDeclaredForSystems(type=request.type)
    payload = _payload(declared, request.payload)
    try:
        with transaction.atomic():
            before = _before(system, key, request)
            if before is not None:
                return before
            conversation = request.conversation or new_id()
            message_id = send(
                declared.crossing,
                to=request.to,
                payload=payload,
                conversation=conversation,
                consent=request.consent,
            )
            return _keep(system, key, request, message_id, conversation)
    except IntegrityError:  # another thread was first; what it sent is what was sent
        before = _before(system, key, request)
        if before is None:
            raise
        return before


def _before(system: System, key: str, request: Request) -> bytes | None:
    found = Sent.objects.filter(system=system, key=key).first()
    if found is None:
        return None
    if bytes(found.body_digest) != request.digest:
        raise OtherBodySameKey
    return bytes(found.answer)


def _keep(
    system: System, key: str, request: Request, message_id: uuid.UUID, conversation: uuid.UUID
) -> bytes:
    now = timezone.now()
    answer = {
        "id": str(message_id),
        "conversation": str(conversation),
        "type": request.type,
        "version": request.version,
        "to": request.to,
        "created_at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "state": "waiting",
    }
    body = json.dumps(answer).encode()
    Sent.objects.create(
        system=system,
        key=key,
        body_digest=request.digest,
        answer=body,
        message_id=message_id,
        created_at=now,
    )
    return body


def _payload(declared: crossings.Declared, value: Any) -> Any:
    """Return the payload's model; it is read as the other side will read it."""
    crossing = declared.crossing
    try:
        cbor.check_types(value)
        return crossing.decode_bytes(cbor.encode(value))
    except cbor.NotDeterministicCBOR:
        raise IllFormedPayload(type=crossing.type, detail="payload: cannot cross") from None


def _once(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name twice")
    return value


def _no_constant(_name: str) -> None:
    raise ValueError("not a number of JSON")


def _text(value: Mapping[str, Any], name: str, longest: int) -> str:
    text = value[name]
    if (
        not isinstance(text, str)
        or not 0 < len(text) <= longest
        or not text.isascii()
        or not text.isprintable()
    ):
        raise BadMessage(field=name, detail=f"1 to {longest} printable ASCII characters are expected")
    return text


def _uuid(value: object) -> uuid.UUID | None:
    if value is None:
        return None
    try:
        return uuid.UUID(str(value))
    except ValueError:
        raise BadMessage(field="conversation", detail="a UUID is expected") from None
