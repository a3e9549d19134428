"""The officers' pages: a contract from the guided form to its end, and who may do what."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pyhanko.pdf_utils.reader import PdfFileReader

from apps.dataflow.pages.conftest import HARBOUR, NUMBER, PEARL, officer, terms_with
from kouan.apps.dataflow import contracts, uploads
from kouan.apps.dataflow.domain import read_terms
from kouan.apps.dataflow.models import ConsentRequest, Contract, Filing
from kouan.apps.dataflow.statements import read
from kouan.apps.dataflow.wording import differences
from kouan.core.exchange.models import OutboxMessage

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7\nan assessment\n%%EOF\n"


def address(row, action=""):
    return f"/data-contracts/{bytes(row.digest).hex()}/{action}"


def answers(**changes):
    today = contracts.today()
    party = {}
    for whose, given in (("ours", HARBOUR), ("theirs", PEARL)):
        party |= {f"{whose}_name_{script}": given["name"][script] for script in given["name"]}
        party |= {f"{whose}_{key}": given[key] for key in ("code", "registration", "place")}
    steps = {
        "parties": {"basis": "gba-standard-contract", "direction": "out", **party},
        "data": {
            "personal": ["person.name"],
            "sensitive": ["person.credit"],
            "purposes": ["dpv:CreditChecking"],
        },
        "term": {
            "effective": today.isoformat(),
            "expires": (today + timedelta(days=365)).isoformat(),
            "retention_days": "180",
            "persons": "2000",
        },
        "assessment": {"made_on": today.isoformat(), "file": SimpleUploadedFile("pia.pdf", PDF)},
        "onward": {"name_1": "Pearl River Credit", "place_1": "gd:guangzhou"},
    }
    for step, more in changes.items():
        steps[step] |= more
    return steps


def walk(client, **changes):
    """Go through the guided form; return the last answer."""
    page = client.post("/data-contracts/new")
    for step, values in answers(**changes).items():
        assert page.url == f"/data-contracts/draft/{step}"
        assert client.get(page.url).status_code == 200
        page = client.post(page.url, values)
        if page.status_code != 302:
            return page
    return page


# Drafting


def test_the_guided_form_makes_a_draft_and_keeps_no_file(chan, gd):
    page = walk(chan)
    assert page.url == "/data-contracts/draft/check"
    text = chan.get(page.url).content.decode()
    for said in ("Harbour Bank", "Pearl River Bank", "Shenzhen", "Pearl River Credit", "180"):
        assert said in text
    assert hashlib.sha256(PDF).hexdigest() in text
    assert not Contract.objects.exists()
    made = chan.post(page.url)
    row = Contract.objects.get()
    assert made.url == address(row)
    terms = read_terms(bytes(row.terms))
    assert terms.assessment.digest == hashlib.sha256(PDF).hexdigest()
    assert terms.elements == ["person.credit", "person.name"]
    assert (terms.exporter.place, terms.importer.place) == ("hk", "gd:shenzhen")
    assert (row.state, row.peer) == ("draft", "gd")
    assert not OutboxMessage.objects.exists()
    assert "Draft" in chan.get(made.url).content.decode()


@pytest.mark.parametrize(
    ("step", "values", "words"),
    [
        ("parties", {"ours_name_en": ""}, "cannot be empty"),
        ("parties", {"ours_code": "No Code"}, "a-z, 0-9 and - only"),
        ("parties", {"theirs_place": "gd:chaozhou"}, "chaozhou"),
        ("parties", {"theirs_place": "mo"}, "mo"),
        ("data", {"personal": [], "sensitive": []}, "at least one kind of data"),
        ("data", {"personal": ["important.population"]}, "important.population"),
        ("data", {"purposes": []}, "at least one purpose"),
        ("term", {"expires": "2020-01-01"}, "before the first"),
        ("term", {"effective": "31.12.2026"}, "Enter a date such as"),
        ("term", {"retention_days": "0"}, "greater than or equal to 1"),
        ("assessment", {"file": SimpleUploadedFile("a.pdf", b"PK\3\4 no PDF")}, "no PDF file"),
        ("assessment", {"file": ""}, "Choose the assessment"),
        ("onward", {"place_1": ""}, "Say where this receiver is"),
    ],
)
def test_a_step_says_what_is_wrong_where_it_is(chan, gd, step, values, words):
    page = walk(chan, **{step: values})
    assert page.status_code == 422
    text = page.content.decode()
    assert "There is a problem" in text
    assert words in text


def test_an_assessment_above_the_limit_is_refused_unread(chan, gd):
    chan.post("/data-contracts/new")
    given = {"made_on": "2026-01-01", "file": SimpleUploadedFile("pia.pdf", PDF + bytes(200))}
    answer = chan.post(
        "/data-contracts/draft/assessment", given, CONTENT_LENGTH=str(uploads.MOST + (1 << 20))
    )
    assert answer.status_code == 413
    assert "could not be read" in answer.content.decode()


def test_what_could_never_be_in_force_is_not_kept(chan, gd):
    late = (contracts.today() + timedelta(days=2000)).isoformat()
    page = walk(chan, term={"expires": late})
    shown = chan.get(page.url)
    assert shown.status_code == 422
    assert "1096 days at most. Clause: gd/2026-01-01 gba-standard-contract term." in shown.content.decode()
    assert chan.post(page.url).status_code == 422
    assert not Contract.objects.exists()


def test_the_form_begins_at_its_beginning(chan):
    assert chan.get("/data-contracts/draft/check").url == "/data-contracts/"
    assert chan.get("/data-contracts/draft/data").url == "/data-contracts/"
    chan.post("/data-contracts/new")
    assert chan.get("/data-contracts/draft/check").url == "/data-contracts/draft/parties"
    assert chan.get("/data-contracts/draft/nothing").status_code == 404


def test_a_draft_is_changed_with_its_answers_in_the_form(chan, gd):
    row = contracts.draft(terms_with())
    page = chan.post(address(row, "change"))
    assert page.url == "/data-contracts/draft/check"
    term = "/data-contracts/draft/term"
    assert 'value="180"' in chan.get(term).content.decode()
    chan.post(term, answers()["term"] | {"retention_days": "90"})
    chan.post(page.url)
    assert read_terms(bytes(Contract.objects.get().terms)).retention_days == 90


# Signing


def test_signing_a_draft_puts_it_before_the_other_side(chan, gd):
    row = contracts.draft(terms_with())
    assert "Siu Ming Chan" in chan.get(address(row, "sign")).content.decode()
    assert chan.post(address(row, "sign")).url == address(row)
    row.refresh_from_db()
    assert row.state == "proposed"
    assert read(bytes(row.signed_here), side="hk", digest=bytes(row.digest)).officer == "Siu Ming Chan"
    assert OutboxMessage.objects.get().type == "dataflow.contract"
    assert chan.get(address(row, "sign")).status_code == 404
    assert chan.get(address(row, "refuse")).status_code == 404


def test_what_the_other_side_proposed_is_signed_and_binds(chan, proposed):
    row = proposed()
    assert "Waits for your signature" in chan.get("/data-contracts/").content.decode()
    chan.post(address(row, "sign"))
    row.refresh_from_db()
    assert row.state == "signed"
    text = chan.get(address(row)).content.decode()
    assert "In force" in text
    assert "Li Na, Digital Office" in text
    assert "The Digital Policy Office of Hong Kong" in text
    assert {each.side for each in row.filings.all()} == {"hk", "gd"}


def test_what_the_other_side_proposed_is_refused_with_a_reason(chan, proposed):
    row = proposed()
    assert chan.post(address(row, "refuse"), {"reason": " "}).status_code == 422
    chan.post(address(row, "refuse"), {"reason": "Too wide"})
    row.refresh_from_db()
    assert (row.state, row.reason) == ("refused", "Too wide")
    assert "Too wide" in chan.get(address(row)).content.decode()


def test_a_contract_that_disagrees_with_another_is_not_signed(chan, signed, proposed):
    first = signed()
    row = contracts.Contract(
        **{
            field.name: getattr(first, field.name)
            for field in Contract._meta.fields
            if field.name not in {"id", "digest", "terms", "contract", "state", "signed_here"}
        }
    )
    other = terms_with()
    row.contract, row.terms, row.digest = other.contract, other.canonical(), other.digest()
    row.state = "proposed"
    row.save()
    page = chan.post(address(row, "sign"))
    assert page.status_code == 409
    assert str(first.contract) in page.content.decode()
    row.refresh_from_db()
    assert row.signed_here is None


# Versions


def test_the_next_version_shows_what_differs(chan, signed):
    row = signed()
    page = chan.post(address(row, "change"))
    assert page.url == "/data-contracts/draft/assessment"
    chan.post(page.url, answers()["assessment"] | {"made_on": contracts.today().isoformat()})
    chan.post("/data-contracts/draft/data", answers()["data"])
    page = chan.post("/data-contracts/draft/check")
    second = Contract.objects.get(version=2)
    assert page.url == address(second)
    text = chan.get(page.url).content.decode()
    assert "What differs from version 1" in text
    assert re.search(r"<del[^>]*>A person&#39;s bank account", text)
    terms = read_terms(bytes(second.terms))
    assert terms.replaces == bytes(row.digest).hex()
    assert {each.what for each in differences(read_terms(bytes(row.terms)), terms)} >= {"Kinds of data"}
    assert "All versions" in text


def test_a_later_version_keeps_its_parties(chan, signed):
    row = signed()
    chan.post(address(row, "change"))
    given = answers()["parties"] | {"theirs_code": "another-bank", "theirs_place": "gd:zhuhai"}
    chan.post("/data-contracts/draft/parties", given)
    chan.post("/data-contracts/draft/assessment", answers()["assessment"])
    chan.post("/data-contracts/draft/check")
    terms = read_terms(bytes(Contract.objects.get(version=2).terms))
    assert (terms.importer.code, terms.importer.place) == ("pearl-bank", "gd:shenzhen")


# Filing


def test_a_filing_is_noted_once_and_the_other_side_told(chan, signed):
    row = signed()
    today = contracts.today()
    future = {"filed_on": (today + timedelta(days=1)).isoformat(), "reference": "DPO-1"}
    assert chan.post(address(row, "file"), future).status_code == 422
    assert chan.post(address(row, "file"), {"filed_on": "", "reference": ""}).status_code == 422
    chan.post(address(row, "file"), {"filed_on": today.isoformat(), "reference": "DPO-1"})
    filing = Filing.objects.get(side="hk")
    assert (filing.filed_on, filing.reference) == (today, "DPO-1")
    assert OutboxMessage.objects.filter(type="dataflow.filing").count() == 1
    assert chan.get(address(row, "file")).status_code == 404


def test_a_day_that_was_counted_without_a_calendar_says_so(chan, signed):
    row = signed()
    said = "does not hold the whole calendar of Guangdong"
    assert said not in chan.get(address(row)).content.decode()
    Filing.objects.filter(side="gd").update(uncertain=True)
    assert said in chan.get(address(row)).content.decode()
    Filing.objects.filter(side="gd").update(filed_on=contracts.today(), reference="1")
    assert said not in chan.get(address(row)).content.decode()


def test_what_is_due_stands_on_the_list_and_on_the_home_page(chan, signed):
    row = signed()
    today = contracts.today()
    home = chan.get("/").content.decode()
    assert "is due" not in home
    Filing.objects.filter(side="hk").update(due_on=today + timedelta(days=2))
    Contract.objects.update(expires=today + timedelta(days=20))
    for path in ("/", "/data-contracts/"):
        text = chan.get(path).content.decode()
        assert "1 filing" in text
        assert "1 contract ends within a month" in text
    Filing.objects.filter(side="hk").update(due_on=today - timedelta(days=1))
    assert "Overdue" in chan.get(address(row)).content.decode()


def test_the_pack_holds_what_was_signed(chan, signed):
    row = signed()
    text = chan.get(address(row, "pack")).content.decode()
    for document in ("Letter of undertaking", "Report of the impact assessment", "Copy of the business"):
        assert document in text
    answer = chan.get(address(row, "pack.zip"))
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert {"contract.pdf", "contract.json", "signature-hk.cose", "signature-gd.cose"} <= set(
        archive.namelist()
    )
    assert archive.read("contract.json") == bytes(row.terms)
    digest = hashlib.sha256(archive.read("contract.json")).digest()
    for side in ("hk", "gd"):
        assert read(archive.read(f"signature-{side}.cose"), side=side, digest=digest).side == side
    assert archive.read("contract.pdf").startswith(b"%PDF-")
    assert "承諾書" in archive.read("documents.txt").decode()


def test_the_pdf_takes_names_for_words_and_never_for_mark_up(chan, gd):
    trap = HARBOUR | {
        "name": {"en": '<img src="file:///etc/passwd"/> & <b>', "zh_hant": "<b>港", "zh_hans": "港"}
    }
    row = contracts.draft(terms_with(exporter=trap))
    answer = chan.get(address(row, "contract.pdf"))
    assert answer.status_code == 200
    assert PdfFileReader(io.BytesIO(answer.content)).root["/Pages"]["/Count"] == 4
    assert b"/Subtype /Image" not in answer.content


# Asking a person


def test_a_person_is_asked_and_their_number_kept_nowhere(chan, me, signed):
    row = signed()
    at = address(row, "ask")
    assert 'name="document_number"' in chan.get(at).content.decode()
    wanted = {
        "document_number": NUMBER,
        "reference": "customer 8",
        "elements": ["person.name"],
        "purposes": ["dpv:CreditChecking"],
    }
    for name in wanted:
        assert chan.post(at, wanted | {name: ""}).status_code == 422
    assert chan.post(at, wanted | {"elements": ["person.health"]}).status_code == 422
    assert not ConsentRequest.objects.exists()
    text = chan.post(at, wanted).content.decode()
    made = ConsentRequest.objects.get()
    path = f"/my-data/requests/{made.key}"
    assert path in text
    assert NUMBER not in text
    assert b"A123456" not in bytes(made.document_digest) + bytes(made.document_salt)
    assert me.get(path).status_code == 200


def test_nobody_is_asked_under_a_contract_that_is_not_in_force_or_the_other_sides(chan, signed):
    later = signed(effective=(contracts.today() + timedelta(days=9)).isoformat())
    theirs = signed(exporter=PEARL, importer=HARBOUR)
    for row in (later, theirs):
        assert chan.get(address(row, "ask")).status_code == 404
        assert "/ask" not in chan.get(address(row)).content.decode()


def test_where_the_law_asks_for_no_consent_nobody_is_asked_and_the_page_says_what_to_do(chan, signed):
    day = contracts.today().isoformat()
    law = {"instrument": "Cap. 999, section 1", "number": "", "issued_on": day, "valid_until": None}
    row = signed(basis="legal-obligation", ground=law)
    assert "/ask" not in chan.get(address(row)).content.decode()
    wanted = {
        "document_number": NUMBER, "reference": "customer 8", "elements": ["person.name"],
        "purposes": ["dpv:CreditChecking"],
    }  # fmt: skip
    answer = chan.post(address(row, "ask"), wanted)
    assert answer.status_code == 422
    assert "give the person a notice instead" in answer.content.decode()
    assert not ConsentRequest.objects.exists()


# The end


def test_a_contract_is_ended_with_a_reason(chan, signed):
    row = signed()
    assert chan.post(address(row, "end"), {}).status_code == 422
    chan.post(address(row, "end"), {"reason": "No longer needed"})
    row.refresh_from_db()
    assert (row.state, row.ended_by) == ("ended", "hk")
    assert chan.get(address(row, "end")).status_code == 404


def test_what_is_replaced_later_is_in_force_until_then_and_can_be_filed_and_ended(chan, signed):
    first = signed()
    later = (contracts.today() + timedelta(days=9)).isoformat()
    terms = contracts.terms_of(first)
    signed(contract=terms.contract, version=2, replaces=terms.digest().hex(), effective=later)
    text = chan.get(address(first)).content.decode()
    assert "In force" in text
    assert "/ask" not in text
    for action in ("file", "end"):
        assert address(first, action) in text
        assert chan.get(address(first, action)).status_code == 200
    chan.post(address(first, "end"), {"reason": "No longer needed"})
    first.refresh_from_db()
    assert first.state == "ended"
    assert address(first, "end") not in chan.get(address(first)).content.decode()


# Who may


PATHS = ("", "new", "draft/check", "draft/data", "{key}/", "{key}/sign", "{key}/file", "{key}/pack")


def test_only_data_officers_see_the_pages(node, gd):
    row = contracts.draft(terms_with())
    stranger, operator = Client(), officer("operator", "issuer", "registrar", "auditor", name="op")
    for path in PATHS:
        at = "/data-contracts/" + path.format(key=bytes(row.digest).hex())
        method = "post" if path == "new" else "get"
        assert getattr(stranger, method)(at).url.startswith("/sign-in")
        if path != "{key}/":
            assert getattr(operator, method)(at).status_code == 403


def test_an_auditor_reads_a_contract_and_changes_nothing(auditor, gd):
    row = contracts.draft(terms_with())
    text = auditor.get(address(row)).content.decode()
    assert "Harbour Bank" in text
    assert "/sign" not in text.replace("/sign-out", "")
    for action in ("sign", "refuse", "end", "file", "change"):
        assert auditor.post(address(row, action)).status_code == 403


def test_nothing_is_done_without_the_token_of_the_form(node, gd):
    row = contracts.draft(terms_with())
    client = Client(enforce_csrf_checks=True)
    client.cookies = officer("data").cookies
    for path in ("new", f"{bytes(row.digest).hex()}/sign", "draft/assessment"):
        assert client.post(f"/data-contracts/{path}", {}).status_code == 403
    upload = {"file": SimpleUploadedFile("a.pdf", PDF), "made_on": "2026-01-01"}
    assert client.post("/data-contracts/draft/assessment", upload).status_code == 403


def test_no_such_contract(chan):
    for key in ("00" * 32, "nothing", "zz"):
        assert chan.get(f"/data-contracts/{key}/").status_code == 404


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh-hant", ("數據合同", "海港銀行", "深圳")), ("zh-hans", ("数据合同", "海港银行", "深圳"))],
)
def test_the_pages_in_chinese(chan, signed, language, words):
    row = signed()
    chan.cookies["kouan_language"] = language
    text = chan.get("/data-contracts/").content.decode() + chan.get(address(row)).content.decode()
    for each in words:
        assert each in text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Its content does not fit the declaration at the receiving side."),
        ("zh-hant", "內容與接收方的申報不符"),
        ("zh-hans", "内容与接收方的申报不符"),
    ],
)
def test_why_the_other_side_could_not_take_it_is_told_in_words(chan, signed, language, words):
    """By its code an officer could do nothing."""
    row = signed()
    type(row).objects.update(state="refused", reason="ill-formed-payload")
    chan.cookies["kouan_language"] = language
    shown = chan.get(address(row)).content.decode()
    assert words in shown
    assert "ill-formed-payload" not in shown


def test_what_the_other_side_refused_to_hear_stands_on_the_page(chan, signed):
    row = signed()
    contracts.end(digest=bytes(row.digest), reason="The bank closes.")
    sent = OutboxMessage.objects.filter(type="dataflow.contract-end")
    sent.update(state="refused", code="no-agreement")
    shown = chan.get(address(row)).content.decode()
    assert "could not be told (End of a contract): No agreement between the two sides" in shown
    sent.update(dismissed=True)
    assert "could not be told" not in chan.get(address(row)).content.decode()


def test_so_does_what_it_refused_to_hear_of_the_consents_under_it(chan, signed, given):
    row, other = signed(), signed(purposes=["dpv:FraudPreventionAndDetection"])
    for _ in range(2):
        given(row)
    sent = OutboxMessage.objects.filter(type="dataflow.consent")
    sent.update(state="refused", code="no-agreement")
    words = "could not be told (A person&#39;s consent): No agreement between the two sides"
    assert chan.get(address(row)).content.decode().count(words) == 1  # once, however many they are
    assert "could not be told" not in chan.get(address(other)).content.decode()
    sent.update(code="expired")  # this is told again by itself
    assert "could not be told" not in chan.get(address(row)).content.decode()
