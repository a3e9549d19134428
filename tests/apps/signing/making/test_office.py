"""What holds before and after a key of this side's is used, and what no file may make of that."""

from __future__ import annotations

import hashlib
import time

import pytest

from kouan.apps.signing.making import formtree, keys, office, orders, pdf
from kouan.apps.signing.making.errors import NotSignable
from kouan.apps.signing.models import OfficeSignature, SigningOrder
from pace import patience

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """As if the process ended here."""


def sign(content, **more):
    return office.sign(content, signer="rsa", owner="lee", file_name="a.pdf", **more)


def form_of(depth):
    """A PDF whose form's fields each have one and the same child twice, so deep."""
    objects = [
        "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
    ]
    objects.append("<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>")
    objects += [f"<</T(f{at})/Kids[{at + 5} 0 R {at + 5} 0 R]>>" for at in range(depth)]
    objects.append("<</T(last)/FT/Tx>>")
    data, places = b"%PDF-1.7\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(data))
        data += f"{number} 0 obj{each}endobj\n".encode()
    start = len(data)
    data += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    data += b"".join(b"%010d 00000 n \n" % each for each in places)
    return data + f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n".encode()


def test_a_form_that_is_no_tree_is_refused_at_once(node, signers, paper):
    began = time.process_time()
    for refused in (
        lambda: sign(form_of(40)),
        lambda: orders.prepare(form_of(40), owner="chan", file_name="a.pdf"),
        lambda: pdf.sign(form_of(40), keys.signer("rsa"), field="Mine"),
    ):
        with pytest.raises(NotSignable, match="broken or cut short"):
            refused()
    assert time.process_time() - began < patience(10)
    assert not OfficeSignature.objects.exists()


def test_a_form_of_too_many_fields_is_refused(node, signers, monkeypatch):
    monkeypatch.setattr(formtree, "MOST_FIELDS", 0)
    with pytest.raises(NotSignable, match="broken or cut short"):
        sign(form_of(0))


def test_who_is_killed_over_a_signature_has_used_the_key_on_record(node, signers, paper, monkeypatch):
    class Dying:
        def sign(self, _data):
            assert OfficeSignature.objects.get().file_sha256 == hashlib.sha256(paper).digest()
            raise Killed

    real = keys.signer

    def dying(name):
        from dataclasses import replace  # noqa: PLC0415 - of this test alone

        return replace(real(name), raw=Dying())

    monkeypatch.setattr(office.keys, "signer", dying)
    with pytest.raises(Killed):
        sign(paper, form="cms")
    assert (bytes(OfficeSignature.objects.get().sha256), SigningOrder.objects.count()) == (b"", 0)


def test_what_is_no_text_is_refused_before_the_key_is_used(node, signers, paper):
    for more in ({"reason": "a\0b"}, {"reason": "", "form": "wax"}):
        with pytest.raises(NotSignable):
            sign(paper, **more)
    with pytest.raises(NotSignable):
        orders.prepare(paper, owner="chan", file_name="a\0.pdf")
    assert not OfficeSignature.objects.exists()


def test_an_account_keeps_no_more_than_it_may(node, signers, paper, monkeypatch):
    monkeypatch.setattr(orders, "MOST_KEPT", len(paper))
    sign(paper)
    orders.prepare(paper, owner="chan", file_name="a.pdf")
    with pytest.raises(NotSignable, match="after a day"):
        sign(paper)
    with pytest.raises(NotSignable, match="after a day"):
        orders.prepare(paper, owner="chan", file_name="a.pdf")
