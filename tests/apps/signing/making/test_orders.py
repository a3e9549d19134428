"""Signing that is interrupted: what goes out, what comes back, and what never changes anything."""

from __future__ import annotations

import asyncio
import hashlib
import io
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from django.utils import timezone
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from apps.signing.making.conftest import DAY, NOW, chain
from kouan.apps.signing.making import orders
from kouan.apps.signing.making.errors import (
    AnswerRejected,
    NotSignable,
    OnlyInDemonstrations,
    OrderClosed,
    OrderExpired,
    UnknownOrder,
)
from kouan.apps.signing.making.simulator import ORGANISATION, SimulatedWallet
from kouan.apps.signing.models import SigningOrder

pytestmark = pytest.mark.django_db


@pytest.fixture
def wallet(settings):
    settings.NODE = replace(settings.NODE, demonstration=True)
    return SimulatedWallet("CHAN Tai Man")


def prepare(paper, **more):
    return orders.prepare(paper, **{"owner": "chan", "file_name": "form.pdf", "name": "CHAN Tai Man"} | more)


def validated(data, root):
    (embedded,) = PdfFileReader(io.BytesIO(data)).embedded_regular_signatures
    context = ValidationContext(trust_roots=[x509.Certificate.load(root)], allow_fetching=False)
    return asyncio.run(async_validate_pdf_signature(embedded, context))


def test_a_pdf_is_prepared_signed_elsewhere_and_completed(paper, wallet):
    waiting = prepare(paper)
    assert len(waiting.hash) == 32
    # As after a restart: all that is needed is in the database.
    going = orders.sent(waiting.order, owner="chan")
    assert going == waiting
    answer = wallet.sign(going.hash)
    data = orders.complete(
        waiting.order, owner="chan", signature=answer.signature, certificates=answer.certificates
    )
    assert data.startswith(paper)
    status = validated(data, answer.certificates[-1])
    assert (status.intact, status.valid, status.trusted) == (True, True, True)
    assert status.signing_cert.subject.native["organization_name"] == ORGANISATION
    row = SigningOrder.objects.get()
    assert (row.state, bytes(row.prepared)) == ("completed", b"")


def test_the_same_answer_again_gives_the_same_file_and_another_none(paper, wallet):
    waiting = prepare(paper)
    answer = wallet.sign(waiting.hash)
    given = {"owner": "chan", "certificates": answer.certificates}
    first = orders.complete(waiting.order, signature=answer.signature, **given)
    assert orders.complete(waiting.order, signature=answer.signature, **given) == first
    with pytest.raises(OrderClosed):
        orders.complete(waiting.order, signature=answer.signature[::-1], **given)
    with pytest.raises(OrderClosed):
        orders.sent(waiting.order, owner="chan")


def test_a_certificate_that_is_known_beforehand_is_under_the_signature(paper, wallet):
    waiting = prepare(paper, certificate=wallet.certificates[0])
    answer = wallet.sign(waiting.hash)
    data = orders.complete(
        waiting.order, owner="chan", signature=answer.signature, certificates=answer.certificates
    )
    (embedded,) = PdfFileReader(io.BytesIO(data)).embedded_regular_signatures
    assert embedded.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    attributes = {each["type"].native for each in embedded.signer_info["signed_attrs"]}
    assert "signing_certificate_v2" in attributes
    assert validated(data, answer.certificates[-1]).valid


def test_no_other_may_answer_than_whose_certificate_was_known(paper, wallet):
    waiting = prepare(paper, certificate=wallet.certificates[0])
    answer = SimulatedWallet("WONG Siu Ming").sign(waiting.hash)
    with pytest.raises(AnswerRejected, match="another than the one that was to sign"):
        orders.complete(
            waiting.order, owner="chan", signature=answer.signature, certificates=answer.certificates
        )


def test_a_cms_is_completed_beside_its_document(wallet):
    waiting = orders.prepare(b"content", owner="chan", file_name="data.xml", form="cms")
    assert waiting.document_hash == hashlib.sha256(b"content").digest()
    answer = wallet.sign(waiting.hash)
    data = orders.complete(
        waiting.order, owner="chan", signature=answer.signature, certificates=answer.certificates
    )
    (info,) = asn1_cms.ContentInfo.load(data, strict=True)["content"]["signer_infos"]
    assert info["signature"].native == answer.signature
    attributes = {each["type"].native: each["values"][0].native for each in info["signed_attrs"]}
    assert attributes["message_digest"] == waiting.document_hash


def _wrong_hash(wallet, waiting):
    answer = wallet.sign(hashlib.sha256(b"another").digest())
    return answer.signature, answer.certificates


def _of_the_document(wallet, waiting):
    answer = wallet.sign(waiting.document_hash)
    return answer.signature, answer.certificates


def _other_key(wallet, waiting):
    return wallet.sign(waiting.hash).signature, SimulatedWallet("another").certificates


def _no_certificate(wallet, waiting):
    return wallet.sign(waiting.hash).signature, ()


def _junk(wallet, waiting):
    return b"junk", (b"junk",)


def _ended(wallet, waiting):
    key = rsa.generate_private_key(65537, 2048)
    signed = key.sign(waiting.hash, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
    return signed, chain(key, since=NOW - 3 * DAY, until=NOW - DAY)


def _short(wallet, waiting):
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is what is refused
    signed = key.sign(waiting.hash, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
    return signed, chain(key)


@pytest.mark.parametrize(
    "answer", [_wrong_hash, _of_the_document, _other_key, _no_certificate, _junk, _ended, _short]
)
def test_an_answer_that_does_not_sign_it_changes_nothing(paper, wallet, answer):
    waiting = prepare(paper)
    signature, certificates = answer(wallet, waiting)
    with pytest.raises(AnswerRejected):
        orders.complete(waiting.order, owner="chan", signature=signature, certificates=certificates)
    right = wallet.sign(waiting.hash)
    assert orders.complete(
        waiting.order, owner="chan", signature=right.signature, certificates=right.certificates
    )


def test_an_sm2_wallet_is_told_why_not(paper, wallet, signers):
    waiting = prepare(paper)
    signature = signers["sm2"].key.sign(waiting.hash)
    with pytest.raises(AnswerRejected, match="more than a hash"):
        orders.complete(
            waiting.order, owner="chan", signature=signature, certificates=signers["sm2"].certificates
        )


def test_an_order_is_its_owners_alone(paper, wallet):
    waiting = prepare(paper)
    answer = wallet.sign(waiting.hash)
    for owner, order in (("wong", waiting.order), ("chan", uuid.uuid4())):
        with pytest.raises(UnknownOrder):
            orders.sent(order, owner=owner)
        with pytest.raises(UnknownOrder):
            orders.complete(order, owner=owner, signature=answer.signature, certificates=answer.certificates)


def test_what_waits_too_long_is_over_and_then_forgotten(paper, wallet):
    now = timezone.now()
    waiting = prepare(paper, now=now)
    late = now + orders.LIFE
    answer = wallet.sign(waiting.hash)
    given = {"owner": "chan", "signature": answer.signature, "certificates": answer.certificates}
    with pytest.raises(OrderExpired):
        orders.complete(waiting.order, now=late, **given)
    orders.tidy(late - timedelta(seconds=1))
    assert SigningOrder.objects.get().state == "prepared"
    orders.tidy(late)
    row = SigningOrder.objects.get()
    assert (row.state, bytes(row.prepared)) == ("expired", b"")
    with pytest.raises(OrderExpired):
        orders.complete(waiting.order, now=now, **given)
    orders.tidy(late + orders.KEPT)
    assert not SigningOrder.objects.exists()


def test_a_person_may_say_no(paper, wallet):
    waiting = prepare(paper)
    orders.refuse(waiting.order, owner="chan")
    answer = wallet.sign(waiting.hash)
    with pytest.raises(OrderClosed):
        orders.complete(
            waiting.order, owner="chan", signature=answer.signature, certificates=answer.certificates
        )


def test_one_account_does_not_fill_the_table(paper):
    for _ in range(orders.MOST_OPEN):
        prepare(paper)
    with pytest.raises(NotSignable, match="wait already"):
        prepare(paper)
    prepare(paper, owner="wong")


@pytest.mark.parametrize("given", [{"form": "xml"}, {"certificate": b"junk"}])
def test_what_cannot_be_prepared_is_told_and_leaves_nothing(paper, given):
    with pytest.raises(NotSignable):
        prepare(paper, **given)
    assert not SigningOrder.objects.exists()


def test_the_simulator_is_for_demonstrations_alone(settings):
    settings.NODE = replace(settings.NODE, demonstration=False)
    with pytest.raises(OnlyInDemonstrations):
        SimulatedWallet("anybody")
