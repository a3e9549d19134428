"""The officers' signatures in a contract's PDF: real ones, which any validator can check."""

from __future__ import annotations

import io
import uuid
from dataclasses import replace

import pytest
from asn1crypto import pem, x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from apps.dataflow.conftest import OFFICER
from core.exchange.authority import establish, serving
from kouan.apps.dataflow import contracts, papers, seals
from kouan.apps.dataflow.models import Contract, SignedPaper
from kouan.apps.dataflow.printing import boxes, rendered
from kouan.core.trust import queries
from kouan.core.trust.own import load
from kouan.sections import TimeSettings
from kouan.web.seals import UnsoundPaper, sign

WANG = "王芳, Director"


@pytest.fixture
def as_guangdong(settings, stores, gd, node):
    """What Guangdong's own node makes of it, with its own keys."""

    def make(terms, *, officer=WANG, theirs=b""):
        hk = settings.NODE
        ours = queries.own().public
        member = queries._members.setdefault("hk", (float("inf"), ours))
        settings.NODE = replace(hk, side="gd", keys=stores["gd"].directory)
        try:
            return seals.signed(terms, officer=officer, theirs=theirs)
        finally:
            settings.NODE = hk
            assert queries._members.pop("hk") is member

    return make


@pytest.fixture
def roots(stores):
    """The CAs' certificates, as anybody would take them from the trust documents."""
    found = []
    for side, store in stores.items():
        keys = load(store.directory, side=side, door_url="https://127.0.0.1:1")
        found += [
            x509.Certificate.load(der) for *_rest, der in pem.unarmor(keys.public.tls_ca_pem, multiple=True)
        ]
    return found


def statuses(paper, roots):
    """What pyHanko's own validator says, with nothing of ours but the two certificates."""
    reader = PdfFileReader(io.BytesIO(paper))
    return [
        validate_pdf_signature(each, ValidationContext(trust_roots=roots, allow_fetching=False))
        for each in reader.embedded_signatures
    ]


def propose(terms):
    said = terms()
    contracts.draft(said)
    contracts.propose(digest=said.digest(), officer=OFFICER)
    return Contract.objects.get(digest=said.digest())


def test_both_officers_signatures_hold_and_cover_the_whole(gd, terms, as_guangdong, roots):
    """From one node to the other and back: what one proposed comes back with the other's signature too."""
    row = propose(terms)
    ((_type, payload),) = gd.hear()
    said = terms()
    paper = as_guangdong(said, theirs=payload["paper"])
    answer = {
        "digest": said.digest(), "outcome": "signed", "statement": gd.statement(said.digest()), "reason": "",
        "paper": paper,
    }  # fmt: skip
    assert gd.say("dataflow.contract-answer", answer, conversation=row.contract) == ("handled", "")
    kept = papers.paper(row)
    assert kept == paper
    first, second = statuses(kept, roots)
    assert (first.bottom_line, second.bottom_line) == (True, True)
    assert second.coverage is SignatureCoverageLevel.ENTIRE_FILE
    assert first.signing_cert.subject.native == {"organization_name": "Hong Kong", "common_name": OFFICER}
    assert second.signing_cert.subject.native["common_name"] == WANG
    assert [(each.side, each.officer) for each in seals.seals_of(kept, said)] == [
        ("hk", OFFICER),
        ("gd", WANG),
    ]


def test_what_the_other_side_signed_is_signed_here_on_top_of_it(gd, terms, as_guangdong, roots):
    said = terms()
    payload = {
        "terms": said.canonical(),
        "statement": gd.statement(said.digest()),
        "paper": as_guangdong(said),
    }
    assert gd.say("dataflow.contract", payload, conversation=uuid.UUID(said.contract)) == ("handled", "")
    contracts.sign(digest=said.digest(), officer=OFFICER)
    ((_type, answer),) = gd.hear()
    assert answer["paper"].startswith(payload["paper"])
    assert [each.bottom_line for each in statuses(answer["paper"], roots)] == [True, True]
    assert SignedPaper.objects.get().data == answer["paper"]


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_changed_byte_fails(gd, terms, roots, place):
    row = propose(terms)
    paper = bytearray(papers.paper(row))
    assert [each.side for each in seals.seals_of(bytes(paper), terms())] == ["hk"]
    at = int(len(rendered(terms())) * place)
    paper[at] ^= 1
    (status,) = statuses(bytes(paper), roots)
    assert not status.intact
    assert not status.bottom_line
    assert seals.seals_of(bytes(paper), terms()) == []


def test_it_is_trusted_under_the_sides_own_ca_alone(gd, terms, stores, as_guangdong):
    """Guangdong's key in Hong Kong's name is nobody's signature."""
    said = terms()
    forged = as_guangdong(said).replace(b"/T (gd)", b"/T (xx)").replace(b"/T (hk)", b"/T (gd)")
    with pytest.raises(UnsoundPaper):
        seals.check(forged, base=rendered(said), sides=frozenset({"gd"}))
    with pytest.raises(UnsoundPaper):
        seals.check(as_guangdong(said), base=rendered(said), sides=frozenset({"hk"}))


def test_a_paper_that_says_something_else_is_not_signed_here(gd, terms, as_guangdong, roots):
    """The terms bind; a PDF of other terms beside them gets no signature of ours, and is not kept."""
    said = terms()
    other = as_guangdong(said.model_copy(update={"persons": 7}))
    payload = {"terms": said.canonical(), "statement": gd.statement(said.digest()), "paper": other}
    assert gd.say("dataflow.contract", payload, conversation=uuid.UUID(said.contract)) == ("handled", "")
    assert not SignedPaper.objects.exists()
    contracts.sign(digest=said.digest(), officer=OFFICER)
    kept = bytes(SignedPaper.objects.get().data)
    assert kept.startswith(rendered(said))
    assert [each.side for each in seals.seals_of(kept, said)] == ["hk"]


def test_what_is_added_beside_a_signature_is_not_signed_here(gd, terms, as_guangdong):
    said = terms()
    signed = as_guangdong(said)
    writer = IncrementalPdfFileWriter(io.BytesIO(signed))
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    page[generic.pdf_name("/Rotate")] = generic.NumberObject(90)
    writer.update_container(page)
    output = io.BytesIO()
    writer.write(output)
    with pytest.raises(UnsoundPaper):
        seals.check(output.getvalue(), base=rendered(said), sides=frozenset({"gd"}))


def test_a_change_in_the_very_revision_that_the_first_side_signed(gd, terms, settings, stores, monkeypatch):
    """The first signature covers its own revision, and could cover a page that was changed in it."""
    said = terms()
    sound = rendered(said)
    writer = IncrementalPdfFileWriter(io.BytesIO(sound))
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    page[generic.pdf_name("/Rotate")] = generic.NumberObject(90)
    writer.update_container(page)
    output = io.BytesIO()
    writer.write(output)
    paper = sign(output.getvalue(), boxes=boxes(said), officer=OFFICER, reason="…", stamper=None)
    assert paper.startswith(sound)
    with pytest.raises(UnsoundPaper):
        seals.check(paper, base=sound, sides=frozenset({"hk"}))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("where", ["last", "before", "beside"])
def test_a_few_bytes_that_claim_a_thousand_million_objects_are_not_read(gd, terms, where):
    """A reader would remember each of them."""
    propose(terms)
    ((_type, payload),) = gd.hear()
    paper, base = bytes(payload["paper"]), rendered(terms())
    claim = 10**9
    update = paper[len(base) :]
    at = len(paper) if where == "last" else len(base)
    stream = (
        f"99 0 obj\n<</Type/XRef/Size {claim}/W[0 0 0]/Index[0 {claim}]/Root 10 0 R/Length 0>>\n"
        "stream\n\nendstream\nendobj\n"
    ).encode()
    table = len(base) + len(stream) + update.rindex(b"xref\n0 1\n")
    hostile = {
        "last": paper + stream + b"startxref\n%d\n%%%%EOF\n" % at,
        "before": base
        + stream
        + update[: update.rindex(b"/Prev")]
        + b"/Prev %d\n>>\nstartxref\n%d\n%%%%EOF\n" % (at, table),
        "beside": base
        + stream
        + update[: update.rindex(b"/Prev")]
        + b"/Prev %d /XRefStm %d\n>>\nstartxref\n%d\n%%%%EOF\n" % (base.rindex(b"xref\n0 1"), at, table),
    }[where]
    with pytest.raises(UnsoundPaper, match="a list of its parts"):
        seals.check(hostile, base=base, sides=frozenset({"hk"}))


@pytest.mark.parametrize("rubbish", [b"%PDF-1.7\n%%EOF", b"", b"\0" * 50])
def test_rubbish_after_the_terms(gd, terms, rubbish):
    with pytest.raises(UnsoundPaper):
        seals.check(rendered(terms()) + rubbish, base=rendered(terms()), sides=frozenset({"gd"}))


def test_both_nodes_make_the_same_paper_of_the_same_terms(gd, terms, settings):
    said = terms()
    here = rendered(said)
    settings.NODE = replace(settings.NODE, side="gd")
    assert rendered(said) == here


def test_a_time_stamp_where_an_authority_is_configured(gd, terms, settings, tmp_path, roots):
    """PAdES B-T, by a real authority; when it is silent, the contract is signed all the same."""
    authority = establish(tmp_path)
    with serving(authority.reply) as url:
        settings.NODE = replace(settings.NODE, time=TimeSettings(url, authority.ca))
        row = propose(terms)
        (seal,) = seals.seals_of(papers.paper(row), terms())
        assert seal.stamped
    stamped = papers.paper(row)
    settings.NODE = replace(settings.NODE, time=TimeSettings("http://127.0.0.1:9", authority.ca))
    unstamped = seals.signed(terms(), officer=OFFICER)
    (seal,) = seals.seals_of(unstamped, terms())
    assert not seal.stamped
    settings.NODE = replace(
        settings.NODE, time=None
    )  # a side that knows no authority still knows the officer
    (seal,) = seals.seals_of(stamped, terms())
    assert (seal.officer, seal.stamped) == (OFFICER, False)
