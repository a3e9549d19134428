"""Data about persons that crosses under a contract: sent, judged, kept and read; erased by ``clearing``."""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.dataflow import decisions, errors
from kouan.apps.dataflow.contracts import today
from kouan.apps.dataflow.crossings import DATA_RECORD, RECORD_READ
from kouan.apps.dataflow.domain import State
from kouan.apps.dataflow.judging import judge
from kouan.apps.dataflow.models import DataConsent, Record, Use
from kouan.apps.dataflow.payloads import DataRecord, RecordRead, Value
from kouan.apps.dataflow.register import CONSENT, case_of, holding, judged, judged_together
from kouan.apps.dataflow.standing import first_version, still_counts
from kouan.core.database.rows import among, fetch, insert, insert_many, stored
from kouan.core.exchange import outbox
from kouan.core.exchange.crossing import Basis
from kouan.core.policy import Denied, Proposal
from kouan.core.policy.decide import term_day
from kouan.core.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kouan.apps.dataflow.domain import Case
    from kouan.apps.dataflow.models import Contract
    from kouan.core.exchange import Received, Undelivered
    from kouan.core.exchange.crossing import Refused, SentAgain, Told

_CONTENT: Final = Vault("dataflow/records/1")


def send_many(
    *, contract: Contract, purpose: str, records: Sequence[tuple[DataConsent, Mapping[str, str]]]
) -> list[uuid.UUID]:
    """Send data about several persons under a contract, and return the messages' ids, in order.

    All of it leaves or, where one record may not, none: then the ``Denied`` about that one is raised. The
    decision about each is written down either way, with its clause and its case.
    """
    consents = [consent for consent, _values in records]
    payloads = [_payload(consent, purpose, values) for consent, values in records]
    with _noting_denied(contract, consents, payloads) as (ids, cases):
        insert_many(
            Record,
            _FIELDS,
            [
                _row(id_, case, consent, outgoing=True)
                for id_, case, consent in zip(ids, cases, consents, strict=True)
            ],
        )
    return ids


def _payload(consent: DataConsent, purpose: str, values: Mapping[str, str]) -> DataRecord:
    return DataRecord(
        subject=consent.subject,
        purpose=purpose,
        values=[Value(element=element, value=value) for element, value in values.items()],
    )


@contextmanager
def _noting_denied(
    contract: Contract, consents: Sequence[DataConsent], payloads: Sequence[DataRecord]
) -> Iterator[tuple[list[uuid.UUID], list[Case]]]:
    """Queue records with their decisions, in the transaction of the block; hand out their ids and cases.

    Where one is denied that transaction is undone, and the decision about it is written down after it.
    """
    number = str(contract.contract)
    try:
        with transaction.atomic():
            # Held until the end, so that who ends it or withdraws one is before this or after this.
            first_version(contract.contract, alone=False)
            where, params = among("id", sorted({consent.pk for consent in consents}))
            held = fetch(DataConsent, f"{where} ORDER BY id", params, names=("key", *CONSENT), lock=True)
            with holding(held):
                ids = outbox.send_many(
                    DATA_RECORD,
                    to=contract.peer,
                    payloads=payloads,
                    conversations=[consent.key for consent in consents],
                    consents=[consent.reference for consent in consents],
                    under=number,
                )
            cases = judged_together(len(ids))
            decisions.note_sent(cases, ids, type_=DATA_RECORD.type, contract=contract.contract)
            yield ids, cases
    except Denied as denied:
        basis = Basis(number, None, consents[denied.place].reference)
        told = DATA_RECORD.told(payloads[denied.place])
        decisions.note(
            case_of(_proposal(told, basis, sender=settings.NODE.side, receiver=contract.peer)),
            type_=DATA_RECORD.type,
            outgoing=True,
            contract=contract.contract,
            denied=denied,
        )
        raise


def keep(*, message: Received[DataRecord]) -> None:
    """Judge what arrived once more, with the consent, and keep it; raises the ``Denied`` that refuses it."""
    said = message.payload
    consent = _consent_of(message.sender, message.conversation)
    basis = message.basis
    if basis is None:
        raise errors.NoContract(clause="contract")
    case = _arrived(message.sender, DATA_RECORD.told(said), basis, consent)
    judge(case)
    if consent is None:
        raise errors.NoPersonsConsent(clause="consent")
    decisions.note(
        case, type_=DATA_RECORD.type, outgoing=False, contract=consent.contract, message_id=message.id
    )
    content = json.dumps([[each.element, each.value] for each in said.values], ensure_ascii=False).encode()
    _kept(message.id, case, consent, outgoing=False, content=_CONTENT.seal(content, of=str(message.id)))


def refused_here(*, message: Refused) -> None:
    """Write down that this side did not let a record in, at its door or when it was handled."""
    case = _arrived(
        message.sender, message.told, message.basis, _consent_of(message.sender, message.conversation)
    )
    denied = message.denied
    try:
        judge(case)
    except Denied as by_the_rules:  # the door leaves the consent for later, and has words of its own for none
        denied = by_the_rules
    decisions.note(
        case,
        type_=DATA_RECORD.type,
        outgoing=False,
        contract=None if case.contract is None else uuid.UUID(case.contract.terms.contract),
        message_id=message.id,
        denied=denied,
    )


def _consent_of(sender: str, conversation: uuid.UUID) -> DataConsent | None:
    """Return the consent that a record of another side rests on, held until the transaction ends."""
    where = "key = %s AND peer = %s AND person = ''"
    found = fetch(DataConsent, where, [stored(conversation), sender], lock=True)
    return found[0] if found else None


def _arrived(sender: str, told: Told, basis: Basis, consent: DataConsent | None) -> Case:
    """Return the case of a record that has arrived; a consent that it does not name is none."""
    named = consent if consent is not None and basis.consent == consent.reference else None
    without = Basis(basis.agreement, basis.agreement_digest, None)
    return case_of(_proposal(told, without, sender=sender, receiver=settings.NODE.side), consent=named)


def _proposal(told: Told, basis: Basis, *, sender: str, receiver: str) -> Proposal:
    return Proposal(
        type=DATA_RECORD.type,
        legal_basis=DATA_RECORD.legal_basis,
        sender=sender,
        receiver=receiver,
        declared_senders="any",
        declared_receivers="any",
        consent_required=True,
        consent_reference=basis.consent,
        at=timezone.now(),
        agreement=basis.agreement,
        agreement_digest=basis.agreement_digest,
        elements=told.elements,
        purpose=told.purpose,
        subject=told.subject,
    )


def read(*, record: Record, reader: str, purpose: str) -> list[tuple[str, str]]:
    """Return the data of a record as (kind, value); that it was read is noted on both sides.

    Raises ``OtherPurpose`` for one that the record did not come for, and ``RecordErased``, also where its
    days are over and it is about to be erased.
    """
    if purpose != record.purpose:
        raise errors.OtherPurpose(clause="consent purposes", contract=str(record.contract), purpose=purpose)
    with transaction.atomic():
        held = Record.objects.select_for_update().select_related("consent").get(pk=record.pk)
        if held.outgoing:
            raise errors.UnknownRecord
        if held.content is None:
            day = "" if held.erased_at is None else term_day(held.erased_at).isoformat()
            raise errors.RecordErased(day=day, because=held.erased_because)
        if held.erase_on < today():
            raise errors.RecordErased(day=held.erase_on.isoformat(), because="retention")
        use = Use.objects.create(
            key=uuid.uuid4(), record=held, reader=reader, purpose=purpose, at=timezone.now()
        )
        outbox.send(
            RECORD_READ,
            to=held.consent.peer,
            payload=RecordRead(
                use=use.key.bytes,
                record=held.message_id.bytes,
                reader=reader,
                purpose=purpose,
                at=int(use.at.timestamp()),
            ),
            conversation=use.key,
        )
        values: list[tuple[str, str]] = [
            (element, value)
            for element, value in json.loads(_CONTENT.unseal(bytes(held.content), of=str(held.message_id)))
        ]
    return values


def read_there(*, message: Received[RecordRead]) -> None:
    """Keep that a record of this side was read on the other."""
    said = message.payload
    record = Record.objects.filter(
        message_id=uuid.UUID(bytes=said.record), outgoing=True, consent__peer=message.sender
    ).first()
    if record is None:
        raise errors.UnknownConsent
    Use.objects.get_or_create(
        key=uuid.UUID(bytes=said.use),
        defaults={
            "record": record,
            "reader": said.reader,
            "purpose": said.purpose,
            "at": datetime.fromtimestamp(said.at, tz=timezone.get_current_timezone()),
        },
    )


def sent_again(message: SentAgain) -> None:
    """Keep a record that an operator sends again as one of its own, with the decision about it.

    Without that it would cross and its person would never see it.
    """
    before = Record.objects.select_related("consent").filter(message_id=message.before, outgoing=True).first()
    if before is None:
        raise errors.UnknownRecord
    # Held, as in ``send``: who ends the contract or withdraws the consent is before this or after this.
    first_version(before.contract, alone=False)
    consent = DataConsent.objects.select_for_update().get(pk=before.consent_id)
    if consent.withdrawn_at is not None:
        raise errors.ConsentWithdrawn(clause="consent", day=term_day(consent.withdrawn_at).isoformat())
    case = judged()
    if case.contract is not None and not still_counts(case.contract.digest, case.day):
        raise errors.ContractOver(
            clause="contract state", contract=str(before.contract), state=State.ENDED.value
        )
    decisions.note(
        case, type_=DATA_RECORD.type, outgoing=True, contract=before.contract, message_id=message.id
    )
    _kept(message.id, case, consent, outgoing=True)


def not_delivered(message: Undelivered) -> None:
    """Note that a record never counted on the other side: then nobody has it there."""
    Record.objects.filter(message_id=message.id, outgoing=True, erased_at=None).update(
        erased_at=timezone.now(), erased_because=message.code[:64]
    )


_FIELDS: Final = (
    "message_id", "outgoing", "contract", "digest", "consent_id", "purpose", "elements", "content", "at",
    "erase_on", "erased_at", "erased_because", "untold",
)  # fmt: skip


def _kept(
    message_id: uuid.UUID, case: Case, consent: DataConsent, *, outgoing: bool, content: bytes | None = None
) -> Record:
    row = _row(message_id, case, consent, outgoing=outgoing, content=content)
    return insert(Record(**dict(zip(_FIELDS, row, strict=True))))


def _row(
    message_id: uuid.UUID, case: Case, consent: DataConsent, *, outgoing: bool, content: bytes | None = None
) -> tuple[object, ...]:
    """Return the values of ``_FIELDS``."""
    if case.contract is None:
        raise errors.NoContract(clause="contract")
    terms = case.contract.terms
    return (
        message_id,
        outgoing,
        uuid.UUID(terms.contract),
        case.contract.digest,
        consent.pk,
        case.purpose,
        sorted(case.elements),
        content,
        case.at,
        case.day + timedelta(days=terms.retention_days),
        None,
        "",
        False,
    )
