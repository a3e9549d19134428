"""Forms in PDF: what was filled in when it was signed must say the same in what is shown."""

from __future__ import annotations

import asyncio
import io

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import (
    FieldMDPAction,
    FieldMDPSpec,
    MDPPerm,
    SigFieldSpec,
    SigSeedSubFilter,
    append_signature_field,
)
from reportlab.pdfgen.canvas import Canvas

import signed_papers as papers
from apps.signing.validating.test_pages import listed, sent  # noqa: F401 - the first is a fixture
from kouan.apps.signing.validating.algorithms import Checker
from kouan.apps.signing.validating.commands import SUMMARY, row
from kouan.apps.signing.validating.engine import Engine
from kouan.apps.signing.validating.formats import fields
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.report import SubIndication, Verdict
from kouan.apps.signing.validating.trust import Trust
from signed_papers import NOW

PASSED, OPEN = Verdict.TOTAL_PASSED, Verdict.INDETERMINATE


def judged(data):
    lists_ = (papers.crl(papers.root()), papers.crl(papers.authority()))
    return validated(
        io.BytesIO(data), Engine(Trust(roots=(papers.root().der,), crls=lists_, moment=NOW), Checker())
    )


def form():
    """Return a PDF with three fields: one that is filled in, one that is empty, and a box with a cross."""
    output = io.BytesIO()
    canvas = Canvas(output, invariant=True)
    for name, value, y in (("amount", "100", 690), ("office", "", 650)):
        canvas.acroForm.textfield(name=name, value=value, x=300, y=y, width=100, height=20)
    canvas.acroForm.checkbox(name="agreed", checked=True, x=300, y=610, size=20)
    canvas.showPage()
    canvas.save()
    return output.getvalue()


def filled(data, name, value=None, *, look=None):
    """Return a PDF with another value in a field, or another look."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    fields_ = writer.root["/AcroForm"]["/Fields"]
    (field,) = [each.get_object() for each in fields_ if each.get_object()["/T"] == name]
    if value is not None:
        field[pdf_name("/V")] = pdf_name(value) if value.startswith("/") else pdf_string(value)
    if look is not None:
        shown = generic.StreamObject(stream_data=f"/Tx BMC BT /F 12 Tf ({look}) Tj ET EMC".encode())
        box = generic.ArrayObject([generic.NumberObject(each) for each in (0, 0, 100, 20)])
        shown.update({pdf_name("/Type"): pdf_name("/XObject"), pdf_name("/Subtype"): pdf_name("/Form")})
        shown[pdf_name("/BBox")] = box
        field[pdf_name("/AP")] = generic.DictionaryObject({pdf_name("/N"): writer.add_object(shown)})
    writer.update_container(field)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def signed(**says):
    """Return the form signed; ``says`` is what the signature says of later changes."""
    writer = IncrementalPdfFileWriter(io.BytesIO(form()))
    append_signature_field(writer, SigFieldSpec("Signature1", box=(50, 50, 250, 120), **says))
    certify = (
        {"certify": True, "docmdp_permissions": says["doc_mdp_update_value"]}
        if "doc_mdp_update_value" in says
        else {}
    )
    meta = signers.PdfSignatureMetadata(
        field_name="Signature1", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, **certify
    )
    output = io.BytesIO()
    signer = signers.PdfSigner(meta, signer=papers._pdf_signer(papers.signer()))
    asyncio.run(signer.async_sign_pdf(writer, output=output))
    return output.getvalue()


@pytest.mark.parametrize(
    "change",
    [
        {"name": "amount", "value": "900000", "look": "900000"},
        {"name": "amount", "value": "900000"},
        {"name": "amount", "look": "900000"},
        {"name": "amount", "value": ""},
        {"name": "agreed", "value": "/Off"},
    ],
    ids=["value and look", "value", "look", "emptied", "box"],
)
def test_another_value_or_look_in_a_field_that_was_filled_in_leaves_it_open(change):
    data = signed()
    assert judged(data).verdict is PASSED
    found = judged(filled(data, **change))
    assert (found.verdict, found.sub_indication) == (OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE)
    assert [each.code for each in found.reasons] == [
        "sig-constraints-failure", "form-value-changed", "later-form-data",
    ]  # fmt: skip


def test_an_empty_field_that_is_filled_in_later_passes_and_the_summary_says_so():
    found = judged(filled(signed(), "office", "0042", look="0042"))
    assert (found.verdict, [each.code for each in found.reasons]) == (PASSED, ["later-form-data"])
    assert dict(zip(SUMMARY, row(found), strict=True))["reasons"] == "later-form-data"


@pytest.mark.django_db
def test_the_page_says_it_beside_the_answer_and_not_only_further_down(client, listed):  # noqa: F811 - the fixture
    data = filled(papers.signed_pdf(data=form()), "office", "0042")
    page = client.get(sent(client, data).url).content.decode()
    panel, _, cards = page.partition("govuk-summary-card")
    for part in (panel, cards):
        assert "After this signature, form fields were filled in or further signatures were added." in part
    assert "Recognised on both sides." in panel


def test_who_signs_next_fills_in_their_own_field():
    data = papers.signed_pdf(papers.signer(name="Ho"), data=filled(signed(), "office", "0042"), field="Two")
    found = judged(data)
    assert [each.verdict for each in found.signatures] == [PASSED, PASSED]
    later = judged(filled(data, "office", "0043"))
    assert [each.verdict for each in later.signatures] == [PASSED, OPEN]


@pytest.mark.parametrize(
    ("says", "verdict"),
    [
        ({"doc_mdp_update_value": MDPPerm.FILL_FORMS}, PASSED),
        ({"field_mdp_spec": FieldMDPSpec(FieldMDPAction.INCLUDE, ["agreed"])}, PASSED),
        ({"field_mdp_spec": FieldMDPSpec(FieldMDPAction.INCLUDE, ["amount"])}, OPEN),
        ({"doc_mdp_update_value": MDPPerm.NO_CHANGES}, OPEN),
    ],
    ids=["filling in", "another locked", "locked", "nothing"],
)
def test_a_signature_may_say_which_fields_may_be_changed(says, verdict):
    assert judged(filled(signed(**says), "amount", "101", look="101")).verdict is verdict


def test_a_form_that_is_more_than_is_gone_through_counts_as_changed(monkeypatch):
    data = filled(signed(), "office", "0042")
    monkeypatch.setattr(fields, "_MOST", 3)
    assert "form-value-changed" in [each.code for each in judged(data).reasons]
