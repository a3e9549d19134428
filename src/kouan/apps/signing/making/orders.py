"""Signing that is interrupted: prepare, send a hash, and complete with the signature that comes back.

So signs a person whose key is in their own wallet (iAM Smart, a smart card at another desk): the wallet
gets a hash and the document's name, and answers with a signature and its certificate. What waits is in the
database, survives a restart, and is forgotten when its time is over. The signature is checked against the
very hash that was sent before a byte of the document changes; the same answer again gives the same result.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from asn1crypto import cms as asn1_cms
from cryptography.exceptions import InvalidSignature
from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Length
from django.utils import timezone
from django.utils.translation import gettext as _

from kouan.apps.signing.making import algorithms, cms, keys, pdf
from kouan.apps.signing.making.algorithms import SM2
from kouan.apps.signing.making.errors import (
    AnswerRejected,
    NotSignable,
    OrderClosed,
    OrderExpired,
    UnknownOrder,
)
from kouan.apps.signing.models import SigningOrder
from kouan.core.trust import sm2_certificates as sm2c

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence
    from datetime import datetime

    from asn1crypto import x509

LIFE: Final = timedelta(minutes=30)
"""From preparing a document to its signature."""
KEPT: Final = timedelta(days=1)
"""How long after its end an order with its result is kept."""
MOST_OPEN: Final = 20
"""Orders of one account that wait at a time."""
MAX_CONTENT: Final = 32 * 1024 * 1024
MOST_KEPT: Final = 256 * 1024 * 1024
"""Bytes of one account's documents, signed and unsigned, that are here at a time."""
_ENDINGS: Final = {"cms": "p7s", "cms-with": "p7m", "jws": "jws"}
_STATES: Final = SigningOrder.State
_OPEN: Final = (_STATES.PREPARED, _STATES.SENT)


@dataclass(frozen=True, slots=True)
class ToSign:
    """What a wallet is sent."""

    order: uuid.UUID
    hash: bytes
    """32 bytes: SHA-256 over the signed attributes, which hold the document's own hash."""
    document_hash: bytes
    """SHA-256 over what the signature covers of the document: for showing."""
    expires_at: datetime


def prepare(  # noqa: PLR0913 - what a signature says, by name
    content: bytes,
    *,
    owner: str,
    file_name: str,
    form: str = "pdf",
    name: str = "",
    reason: str = "",
    certificate: bytes = b"",
    now: datetime | None = None,
) -> ToSign:
    """Prepare a document and keep it; return the hash to send.

    ``form`` is ``pdf`` or ``cms`` (detached); ``certificate`` (DER or PEM) where it is known whose answer
    will come: then it is under the signature, and no other may answer. Raises ``NotSignable``.
    """
    now = now or timezone.now()
    plain(file_name, name, reason)
    has_room(owner, len(content))
    known = _certificate(certificate) if certificate else None
    if known is not None and (why := keys.unfit(known, now)):
        raise NotSignable(detail=why)
    if form == "pdf":
        waiting = pdf.prepare(content, name=name, reason=reason, at=now, known_certificate=known is not None)
        kept, start, end, digest = waiting.content, waiting.start, waiting.end, waiting.digest
    elif form == "cms" and len(content) <= MAX_CONTENT:
        kept, start, end, digest = b"", 0, 0, hashlib.sha256(content).digest()
    else:
        raise NotSignable(detail=_("the form must be pdf or cms") if form != "cms" else _("it is too long"))
    attributes = cms.to_be_signed(
        cms.signed_attributes(digest, algorithms.RSA, certificate=known, at=None if form == "pdf" else now)
    )
    with transaction.atomic():
        open_now = SigningOrder.objects.filter(owner=owner, state__in=_OPEN, expires_at__gt=now)
        if open_now.count() >= MOST_OPEN:
            raise NotSignable(
                detail=_("%(most)s documents of this account wait already") % {"most": MOST_OPEN}
            )
        row = SigningOrder.objects.create(
            owner=owner,
            form=form,
            file_name=file_name[:255],
            prepared=kept,
            start=start,
            end=end,
            digest=digest,
            attributes=attributes,
            certificate=b"" if known is None else known.dump(),
            created_at=now,
            expires_at=now + LIFE,
        )
    return to_sign(row)


def plain(*words: str) -> None:
    """Raise ``NotSignable`` for words that hold what no text does."""
    if any("\0" in each for each in words):
        raise NotSignable(detail=_("a name or a reason holds a character that is none"))


def has_room(owner: str, more: int) -> None:
    """Raise ``NotSignable`` if an account keeps as much here as it may, with so many bytes more."""
    held = SigningOrder.objects.filter(owner=owner).aggregate(
        bytes=Sum(Length("prepared") + Length("result"))
    )["bytes"]
    if (held or 0) + more > MOST_KEPT:
        raise NotSignable(
            detail=_("documents of this account already take up %(most)s MB; they go after a day")
            % {"most": MOST_KEPT >> 20}
        )


def sent(order: uuid.UUID, *, owner: str, now: datetime | None = None) -> ToSign:
    """Note that the hash goes out, and return it: again the same, as long as the order waits.

    Raises ``UnknownOrder``, ``OrderExpired`` or ``OrderClosed``.
    """
    now = now or timezone.now()
    with transaction.atomic():
        row = _waiting(order, owner, now)
        row.state = _STATES.SENT
        row.save(update_fields=["state"])
    return to_sign(row)


def find(order: uuid.UUID, *, owner: str) -> SigningOrder:
    """Return an order of this owner's, whatever its state; raises ``UnknownOrder``."""
    row = SigningOrder.objects.filter(pk=order, owner=owner).first()
    if row is None:
        raise UnknownOrder
    return row


def to_sign(row: SigningOrder) -> ToSign:
    """Return what the wallet of an order is sent."""
    return ToSign(row.pk, hashlib.sha256(bytes(row.attributes)).digest(), bytes(row.digest), row.expires_at)


def is_open(row: SigningOrder, *, now: datetime | None = None) -> bool:
    """Whether an order still waits for its signature."""
    return row.state in _OPEN and row.expires_at > (now or timezone.now())


def result_name(row: SigningOrder) -> str:
    """Return what the signed file is called."""
    return signed_name(row.file_name, row.form)


def signed_name(file_name: str, form: str) -> str:
    """Return what a file is called once it is signed."""
    if form != "pdf":
        return f"{file_name}.{_ENDINGS[form]}"
    return f"{file_name.removesuffix('.pdf').removesuffix('.PDF')}-signed.pdf"


def complete(
    order: uuid.UUID,
    *,
    owner: str,
    signature: bytes,
    certificates: Sequence[bytes],
    now: datetime | None = None,
) -> bytes:
    """Put the signature into the document and return it: the signed PDF, or the detached CMS.

    ``certificates`` are the signer's own and then its CAs', DER or PEM. Raises ``AnswerRejected`` when it
    does not sign what was sent, or its certificate is not valid now or another than was expected: the order
    then goes on waiting. Raises ``UnknownOrder``, ``OrderExpired`` or ``OrderClosed``.
    """
    now = now or timezone.now()
    answer = hashlib.sha256(signature).digest()
    with transaction.atomic():
        row = _row(order, owner)
        if row.state == _STATES.COMPLETED and bytes(row.answer_digest) == answer:
            return bytes(row.result)
        row = _waiting(order, owner, now)
        own, *chain = _all(certificates)
        _check(row, own, signature, now)
        attributes = asn1_cms.CMSAttributes.load(bytes(row.attributes))
        algorithm = algorithms.algorithm_of(own)
        if row.form == "pdf":
            place = pdf.Prepared(bytes(row.prepared), row.start, row.end, bytes(row.digest))
            result = pdf.complete(
                place,
                algorithm=algorithm,
                certificate=own,
                chain=chain,
                attributes=attributes,
                signature=signature,
            )
        else:
            result = cms.signed_data(
                algorithm=algorithm, certificate=own, chain=chain, attributes=attributes, signature=signature
            )
        row.state, row.result, row.answer_digest, row.prepared = _STATES.COMPLETED, result, answer, b""
        row.ended_at = now
        row.save(update_fields=["state", "result", "answer_digest", "prepared", "ended_at"])
    return result


def refuse(order: uuid.UUID, *, owner: str, now: datetime | None = None) -> None:
    """Give an order up, as the person said no; raises as ``sent`` does."""
    now = now or timezone.now()
    with transaction.atomic():
        row = _waiting(order, owner, now)
        row.state, row.prepared, row.ended_at = _STATES.REFUSED, b"", now
        row.save(update_fields=["state", "prepared", "ended_at"])


def tidy(now: datetime | None = None) -> bool:
    """End what waited too long, and forget what ended a day ago; nothing is ever left for another turn."""
    now = now or timezone.now()
    late = SigningOrder.objects.filter(state__in=_OPEN, expires_at__lte=now)
    late.update(state=_STATES.EXPIRED, prepared=b"", ended_at=now)
    SigningOrder.objects.filter(ended_at__lte=now - KEPT).delete()
    return False


def _check(row: SigningOrder, own: x509.Certificate, signature: bytes, now: datetime) -> None:
    if row.certificate and bytes(row.certificate) != own.dump():
        raise AnswerRejected(detail=_("its certificate is another than the one that was to sign"))
    if why := keys.unfit(own, now):
        raise AnswerRejected(detail=why)
    try:
        if algorithms.algorithm_of(own) is SM2:
            raise AnswerRejected(detail=_("an SM2 key signs more than a hash; use a signer of node.toml"))
        algorithms.check_digest(own, hashlib.sha256(bytes(row.attributes)).digest(), signature)
    except InvalidSignature:
        raise AnswerRejected(detail=_("the signature is not over the hash that was sent")) from None
    except ValueError as error:
        raise AnswerRejected(
            detail=_("its key is of a kind that is not used here (%(problem)s)") % {"problem": error}
        ) from None


def _row(order: uuid.UUID, owner: str) -> SigningOrder:
    row = SigningOrder.objects.select_for_update().filter(pk=order, owner=owner).first()
    if row is None:
        raise UnknownOrder
    return row


def _waiting(order: uuid.UUID, owner: str, now: datetime) -> SigningOrder:
    row = _row(order, owner)
    if row.state == _STATES.EXPIRED or (row.state in _OPEN and row.expires_at <= now):
        raise OrderExpired(at=row.expires_at.isoformat(timespec="minutes"))
    if row.state not in _OPEN:
        raise OrderClosed
    return row


def _all(certificates: Sequence[bytes]) -> list[x509.Certificate]:
    if not 0 < len(certificates) <= 16:  # noqa: PLR2004 - far more than any chain
        raise AnswerRejected(detail=_("there is no certificate"))
    try:
        return [sm2c.load(each) for each in certificates]
    except ValueError as error:
        raise AnswerRejected(
            detail=_("a certificate cannot be read (%(problem)s)") % {"problem": error}
        ) from None


def _certificate(data: bytes) -> x509.Certificate:
    try:
        return sm2c.load(data)
    except ValueError as error:
        raise NotSignable(
            detail=_("a certificate cannot be read (%(problem)s)") % {"problem": error}
        ) from None
