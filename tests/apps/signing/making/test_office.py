"""What holds before and after a key of this side's is used, and what no file may make of that."""

from __future__ import annotations

import hashlib
import io
import time

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

import signed_papers as papers
from kouan.apps.signing.errors import SigningError
from kouan.apps.signing.making import formtree, keys, longterm, office, orders, pdf, renewal
from kouan.apps.signing.making.errors import NotSignable
from kouan.apps.signing.models import OfficeSignature, SigningOrder
from kouan.apps.signing.validating import pool, worker
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
        with pytest.raises(NotSignable, match="NoTree"):
            refused()
    assert time.process_time() - began < patience(10)
    assert not OfficeSignature.objects.exists()


def test_a_form_of_too_many_fields_is_refused(monkeypatch):
    monkeypatch.setattr(formtree, "MOST_FIELDS", 0)
    with pytest.raises(formtree.NoTree, match="too many"):
        formtree.check(PdfFileReader(io.BytesIO(form_of(0))))


def bomb(entries):
    """A PDF of a few hundred bytes whose list of objects has so many entries of no bytes each."""
    data = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
    data += b"2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n"
    return data + (
        b"3 0 obj\n<</Type/XRef/Size %d/W[0 0 0]/Index[0 %d]/Root 1 0 R/Length 0>>\nstream\n\nendstream\n"
        b"endobj\nstartxref\n%d\n%%%%EOF\n" % (entries, entries, len(data))
    )


def test_a_file_that_unfolds_without_end_is_refused_and_never_parsed_here(node, signers, monkeypatch):
    monkeypatch.setattr(worker, "CPU_SECONDS", 3)
    monkeypatch.setattr(pool, "CPU_SECONDS", 3)
    data, held, began = bomb(10**8), worker.resident(), time.process_time()
    for refused, error in (
        (lambda: sign(data), NotSignable),
        (lambda: orders.prepare(data, owner="chan", file_name="a.pdf"), NotSignable),
        (lambda: longterm.keep(data, file_name="a.pdf"), SigningError),
        (lambda: renewal.keep(data, file_name="a.pdf"), SigningError),
    ):
        with pytest.raises(error):
            refused()
    assert time.process_time() - began < patience(3)
    assert worker.resident() - held < 100 << 20
    assert not OfficeSignature.objects.exists()
    assert sign(papers.plain_pdf()).result  # the next one is served


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
