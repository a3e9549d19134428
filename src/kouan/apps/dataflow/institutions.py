"""What an institution of this side may do with its own contracts, and with nobody else's."""

from __future__ import annotations

import hmac
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from kouan.apps.dataflow import consents, contracts, errors, notices, records, system_errors
from kouan.apps.dataflow.domain import State
from kouan.apps.dataflow.models import ConsentRequest, Contract, DataConsent, Record, SentOnce
from kouan.core.policy import Denied

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping, Sequence

    from django.db.models import QuerySet

IDEMPOTENCY_KEY: Final = r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?"


def party(institution: str) -> str:
    """Return what contracts call an institution of this side."""
    return f"{settings.NODE.side}/{institution}"


def ask(  # noqa: PLR0913 - all that a request says, by name
    *,
    institution: str,
    contract: uuid.UUID,
    reference: str,
    document_number: str,
    document_type: str = "",
    elements: Collection[str],
    purposes: Collection[str],
) -> ConsentRequest:
    """Ask a customer for their consent; raises as ``inform`` and ``consents.ask`` do."""
    found = _exported(institution, contract)
    return consents.ask(
        contract=found,
        terms=contracts.terms_of(found),
        reference=reference,
        document_number=document_number,
        document_type=document_type,
        elements=elements,
        purposes=purposes,
    )


def inform(  # noqa: PLR0913 - all that a notice says, by name
    *,
    institution: str,
    contract: uuid.UUID,
    document_number: str,
    document_type: str = "",
    elements: Collection[str],
    purposes: Collection[str],
) -> DataConsent:
    """Give notice to a customer.

    Raises ``UnknownContract``, ``OutsideTerm`` or what ``notices.inform`` raises.
    """
    found = _exported(institution, contract)
    return notices.inform(
        contract=found,
        terms=contracts.terms_of(found),
        document_number=document_number,
        document_type=document_type,
        elements=elements,
        purposes=purposes,
    )


def request_of(institution: str, key: uuid.UUID) -> tuple[ConsentRequest, DataConsent | None]:
    """Return a request of an institution and what came of it; raises ``UnknownRequest``."""
    found = ConsentRequest.objects.filter(key=key, institution=institution).first()
    if found is None:
        raise errors.UnknownRequest
    return found, DataConsent.objects.filter(request=found).first()


def request_state(request: ConsentRequest, consent: DataConsent | None) -> str:
    """Return how far a request is: open, expired, refused, given or withdrawn."""
    if consent is not None:
        return "given" if consent.withdrawn_at is None else "withdrawn"
    if request.answered_at is not None:
        return "refused"
    return "open" if timezone.now() < request.expires_at else "expired"


@dataclass(frozen=True, slots=True)
class ToSend:
    """Data about a person, and the key under which it is sent once."""

    key: str
    consent: uuid.UUID
    values: Mapping[str, str]


def send_once(
    *, institution: str, key: str | None, consent: uuid.UUID, purpose: str, values: Mapping[str, str]
) -> Record:
    """Send data about a person, unless it was sent under this key before; return the record.

    Raises ``NoIdempotencyKey``, ``OtherBodySameKey``, ``UnknownConsent``, the ``Denied`` that says why it
    may not cross, or what ``outbox.send`` raises; then nothing was sent and the key is free.
    """
    if key is None or not re.fullmatch(IDEMPOTENCY_KEY, key):
        raise system_errors.NoIdempotencyKey
    wanted = [ToSend(key, consent, values)]
    return send_all_once(institution=institution, purpose=purpose, wanted=wanted)[0]


def send_all_once(*, institution: str, purpose: str, wanted: Sequence[ToSend]) -> list[Record]:
    """Send what has not been sent under its key before, all of it or nothing; return all records, in order.

    Raises as ``send_once`` does, and ``SeveralContracts``.
    """
    asked = {each.key: _digest(each.consent, purpose, each.values) for each in wanted}
    if len(asked) < len(wanted):
        raise system_errors.OtherBodySameKey
    for last in (False, True):
        fresh = [each for each in wanted if _before(institution, each.key, asked[each.key]) is None]
        try:
            if fresh:
                _send_together(institution, purpose, fresh, asked)
            break
        except IntegrityError:  # another thread was first with one of the keys
            if last:
                raise
    sent = SentOnce.objects.filter(institution=institution, key__in=asked)
    places = dict(sent.values_list("key", "record_id"))
    found = _records(institution, outgoing=True).in_bulk(list(places.values()))
    return [found[places[each.key]] for each in wanted]


def _send_together(
    institution: str, purpose: str, fresh: Sequence[ToSend], asked: Mapping[str, bytes]
) -> None:
    keys = {each.consent for each in fresh}
    held = DataConsent.objects.exclude(person="").in_bulk(keys, field_name="key")
    if len(held) < len(keys):
        raise errors.UnknownConsent
    if len({each.contract for each in held.values()}) > 1:
        raise system_errors.SeveralContracts
    contract = _sent_under(institution, held[fresh[0].consent].contract)
    taken, now = sorted(each.key for each in fresh), timezone.now()
    denied: Denied | None = None
    with transaction.atomic():
        SentOnce.objects.bulk_create(
            SentOnce(institution=institution, key=key, request=asked[key], created_at=now) for key in taken
        )
        own = SentOnce.objects.filter(institution=institution, key__in=taken)
        try:
            ids = records.send_many(
                contract=contract,
                purpose=purpose,
                records=[(held[each.consent], each.values) for each in fresh],
            )
        except Denied as error:  # the decision stays on record; the keys do not
            denied = error
            own.delete()
        else:
            made = dict(Record.objects.filter(message_id__in=ids).values_list("message_id", "pk"))
            for each, id_ in zip(fresh, ids, strict=True):
                own.filter(key=each.key).update(record_id=made[id_])
    if denied is not None:
        raise denied


def received(institution: str) -> QuerySet[Record]:
    """Return what has come for an institution, the oldest first."""
    return _records(institution, outgoing=False).order_by("pk")


def record_of(institution: str, message_id: uuid.UUID) -> Record:
    """Return a record that an institution sent or received; raises ``UnknownRecord``."""
    for outgoing in (False, True):
        found = _records(institution, outgoing=outgoing).filter(message_id=message_id).first()
        if found is not None:
            return found
    raise errors.UnknownRecord


def received_by(institution: str, message_id: uuid.UUID) -> Record:
    """Return a record that has come for an institution; raises ``UnknownRecord``."""
    found = received(institution).filter(message_id=message_id).first()
    if found is None:
        raise errors.UnknownRecord
    return found


def _exported(institution: str, number: uuid.UUID) -> Contract:
    """Return a signed contract of an institution: people may be asked before its term, and not after it.

    Raises ``UnknownContract`` or ``OutsideTerm``.
    """
    own = Contract.objects.filter(contract=number, exporter=party(institution), state=State.SIGNED)
    found = own.order_by("-version").first()
    if found is None:
        raise errors.UnknownContract
    if found.expires < contracts.today():
        raise errors.OutsideTerm(
            clause="contract term",
            contract=str(number),
            effective=found.effective.isoformat(),
            expires=found.expires.isoformat(),
        )
    return found


def _records(institution: str, *, outgoing: bool) -> QuerySet[Record]:
    role = {"exporter" if outgoing else "importer": party(institution)}
    own = Contract.objects.filter(**role).values("contract")
    found = Record.objects.filter(outgoing=outgoing, contract__in=own)
    return found.select_related("consent").prefetch_related("uses")


def _sent_under(institution: str, number: uuid.UUID) -> Contract:
    """Return a contract under which an institution sends; for anybody else its consents are unknown."""
    own = Contract.objects.filter(contract=number, exporter=party(institution))
    contract = own.order_by("-version").first()
    if contract is None:
        raise errors.UnknownConsent
    return contract


def _before(institution: str, key: str, asked: bytes) -> Record | None:
    found = (
        SentOnce.objects.select_related("record__consent").filter(institution=institution, key=key).first()
    )
    if found is None:
        return None
    if not hmac.compare_digest(bytes(found.request), asked):
        raise system_errors.OtherBodySameKey
    return found.record


def _digest(consent: uuid.UUID, purpose: str, values: Mapping[str, str]) -> bytes:
    text = json.dumps([str(consent), purpose, sorted(values.items())]).encode()
    return hmac.digest(settings.NODE.secret_key.encode(), b"kouan/dataflow/requests/1\0" + text, "sha256")
