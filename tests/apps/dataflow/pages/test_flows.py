"""The auditors' pages: the register, what was denied and its replay, and the sample that proves it."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from hypothesis import given as generated
from hypothesis import strategies as st

from apps.dataflow.pages.conftest import HARBOUR, PEARL, officer
from kouan.apps.dataflow import auditing, erasing, errors
from kouan.apps.dataflow.models import Contract, DataConsent, Decision, Record
from kouan.apps.dataflow.picture import TOP, Given, picture, wrapped
from kouan.core.exchange import bodies, sealing, witness
from kouan.core.exchange.audit import audit
from kouan.core.exchange.evidence import evidence_bundle
from kouan.core.exchange.models import OutboxBody, OutboxMessage
from kouan.core.exchange.verify import verify_bundle

pytestmark = pytest.mark.django_db

PAGES = ("", "denied/", "sample/")


@pytest.fixture
def crossed(gd, signed, given, sent):
    """A record that is in both ledgers, co-signed."""
    contract = signed()
    consent = given(contract)
    record = sent(contract, consent)
    while (batch := sealing.seal_batch("gd")) is not None:
        gd.answer(batch)
    witness.publish()
    gd.cosign()
    return record


@pytest.fixture
def denied(signed, given, sent):
    contract = signed()
    with pytest.raises(errors.ScopeDrift):
        sent(contract, given(contract), person__health="well")
    return Decision.objects.get(allowed=False)


def found(sampled):
    return {each.what: each for each in sampled.found}


# The register


def test_the_register_shows_each_contract_as_a_band_and_a_row(auditor, signed, given, sent):
    contract = signed()
    sent(contract, given(contract))
    signed(
        importer=PEARL
        | {
            "code": "pearl-insurer",
            "name": {"en": "Pearl Insurance", "zh_hant": "珠江保險", "zh_hans": "珠江保险"},
        }
    )
    text = auditor.get("/data-flows/").content.decode()
    wide = text[text.index("flow-picture__wide") : text.index("flow-picture__narrow")]
    assert wide.count("flow-picture__band") == 2
    assert "Pearl Insurance" in wide
    assert text.count("<tr role") == 3
    assert "Checking creditworthiness" in text


def test_a_register_of_nothing_says_so(auditor):
    assert "No data flows" in auditor.get("/data-flows/").content.decode()


@generated(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.integers(0, 10**6)), max_size=8)
)
def test_no_two_parties_of_a_picture_overlap_and_every_band_is_seen(flows):
    drawn = picture([Given(a, a, "hk", b, b, "gd", count, in_force=True) for a, b, count in flows])
    for column in (drawn.exporters, drawn.importers):
        below = 0.0
        for node in column:
            assert node.top >= below
            below = node.top + node.height
        assert below <= drawn.height
    assert len(drawn.bands) == len(flows)
    assert all(band.width >= 5 for band in drawn.bands)
    assert drawn.height >= TOP


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("Harbour Bank", ("Harbour Bank",)),
        (
            "The Hongkong and Shanghai Example Banking Corporation",
            ("The Hongkong and", "Shanghai Example…"),
        ),
        ("粵港澳大灣區示範商業銀行股份有限公司", ("粵港澳大灣區示範商業銀行", "股份有限公司")),
    ],
)
def test_a_long_name_is_drawn_in_two_lines(name, lines):
    assert wrapped(name, 24) == lines


# What was denied


def test_what_was_denied_stands_with_clause_and_reason_and_is_replayed(auditor, denied):
    text = auditor.get("/data-flows/denied/").content.decode()
    assert "contract scope elements" in text
    assert "does not cover: A person&#39;s health and treatment" in text
    page = f"/data-flows/decisions/{denied.pk}/"
    assert "gd/2026-01-01" in auditor.get(page).content.decode()
    assert "It comes out the same" in auditor.post(page).content.decode()
    case = denied.case | {"elements": ["person.name"]}
    Decision.objects.update(case=case)
    assert "It comes out otherwise" in auditor.post(page).content.decode()


def test_what_was_denied_on_arrival_stands_beside_it(auditor, chan, denied, signed):
    """The officer finds it from the contract's page, the auditor among all that was denied."""
    Decision.objects.create(
        at=denied.at, message_id=uuid.uuid4(), outgoing=False, type=denied.type, contract=denied.contract,
        sender="gd", receiver="hk", allowed=False, code=denied.code, clause=denied.clause,
        rules=denied.rules, case=denied.case,
    )  # fmt: skip
    other = signed(exporter=PEARL, importer=HARBOUR)
    row = Contract.objects.get(contract=denied.contract)
    for browser in (auditor, chan):
        text = browser.get("/data-flows/denied/").content.decode()
        assert (text.count("before it left"), text.count("on arrival")) == (1, 1)
        page = browser.get(f"/data-contracts/{bytes(row.digest).hex()}/").content.decode()
        assert "2 records were denied under this contract" in page
    under = f"/data-flows/denied/?contract={other.contract}"
    assert "Nothing was denied" in auditor.get(under).content.decode()
    assert auditor.get("/data-flows/denied/?contract=x").status_code == 404


def test_rules_that_were_changed_since_are_seen(auditor, denied):
    Decision.objects.update(rules=[["gd/2026-01-01", "00" * 32], ["hk/2026-01-01", "00" * 32]])
    text = auditor.post(f"/data-flows/decisions/{denied.pk}/").content.decode()
    assert "have changed" in text


def test_a_reason_is_in_the_readers_language(auditor, denied):
    auditor.cookies["kouan_language"] = "zh-hant"
    text = auditor.get("/data-flows/denied/").content.decode()
    assert "個人健康" in text or "健康" in text
    assert "does not cover" not in text


# The sample


def test_a_record_that_crossed_is_proven(auditor, crossed):
    text = auditor.post("/data-flows/sample/", {"count": "10"}).content.decode()
    assert "1 of 1 proven" in text
    assert str(crossed.message_id) in text
    message = OutboxMessage.objects.get(message_id=crossed.message_id)
    assert f"<dd>{message.ledger_index:,}</dd>" in text
    assert f"<dd>{message.peer_ledger_index:,}</dd>" in text


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda _: Contract.objects.update(signed_there=None), auditing.SIGNED),
        (lambda _: Contract.objects.update(terms=b"{}"), auditing.CONTRACT),
        (lambda _: Contract.objects.update(digest=b"\1" * 32), auditing.CONTRACT),
        (lambda _: Decision.objects.all().delete(), auditing.DECIDED),
        (lambda _: Decision.objects.update(allowed=False, code="scope-drift"), auditing.DECIDED),
        (lambda _: DataConsent.objects.update(receipt=b"\0" * 40), auditing.CONSENT),
        (lambda _: Record.objects.update(elements=["person.account", "person.health"]), auditing.CONSENT),
        (lambda row: Record.objects.filter(pk=row.pk).delete(), auditing.CONSENT),
        (lambda row: DataConsent.objects.update(withdrawn_at=row.at - timedelta(days=1)), auditing.CONSENT),
        (lambda _: OutboxMessage.objects.update(ciphertext_digest=b"\2" * 32), auditing.LEDGERS),
    ],
)
def test_what_is_missing_is_said(auditor, crossed, spoil, what):
    spoil(crossed)
    rows, most = auditing.sample(10)
    assert (len(rows), most) == (1, 1)
    assert not rows[0].proven
    assert found(rows[0])[what].missing
    text = auditor.post("/data-flows/sample/", {"count": "10"}).content.decode()
    assert "0 of 1 proven" in text


def test_what_has_no_receipt_yet_is_not_proven(gd, signed, given, sent):
    contract = signed()
    sent(contract, given(contract))
    assert auditing.sample(10) == ([], 0)
    batch = sealing.seal_batch("gd")
    gd.answer(batch)
    rows, _ = auditing.sample(10)
    assert [each.proven for each in rows] == [False]
    assert "cannot be proved yet" in found(rows[0])[auditing.LEDGERS].missing


@pytest.mark.parametrize("count", ["0", "51", "many", ""])
def test_a_sample_has_a_size(auditor, count):
    assert auditor.post("/data-flows/sample/", {"count": count}).status_code == 422


# Erased, and still provable


def test_what_was_erased_stays_provable(crossed):
    OutboxMessage.objects.update(state="handled")
    assert bodies.erase_sent([crossed.message_id]) == 1
    assert not OutboxMessage.objects.get(message_id=crossed.message_id).body
    report = verify_bundle(evidence_bundle([crossed.message_id]))
    assert report.holds, report.problems
    assert report.messages[0].payload is None
    assert any("was erased" in check.what for check in report.checks)
    (sampled,), _ = auditing.sample(1)
    assert sampled.proven
    assert not [each for each in audit().problems if each.code == "body"]


def test_a_content_that_is_lost_without_a_word_is_found(crossed):
    OutboxBody.objects.filter(message__message_id=crossed.message_id).delete()
    assert [each for each in audit().problems if each.code == "body"]


def test_erasing_what_is_under_way_waits(signed, given, sent):
    contract = signed()
    record = sent(contract, given(contract))
    assert bodies.erase_sent([record.message_id]) == 0
    assert OutboxMessage.objects.get(message_id=record.message_id).body


# Who may


def test_only_auditors_take_samples_and_only_officers_of_data_see_the_rest(node):
    stranger, operator, data = Client(), officer("operator", name="op"), officer("data", name="data")
    for page in PAGES:
        assert stranger.get(f"/data-flows/{page}").url.startswith("/sign-in")
        assert operator.get(f"/data-flows/{page}").status_code == 403
    assert [data.get(f"/data-flows/{page}").status_code for page in PAGES] == [200, 200, 403]
    assert data.post("/data-flows/sample/", {"count": "5"}).status_code == 403


def test_no_such_decision(auditor):
    assert auditor.get("/data-flows/decisions/99/").status_code == 404


def test_nothing_is_erased_for_a_number_of_another_contract(chan, signed):
    row = signed(exporter=PEARL, importer={**PEARL, "code": "harbour-bank", "place": "hk"})
    at = f"/data-contracts/{bytes(row.digest).hex()}/erase"
    assert chan.get(at).status_code == 200
    assert chan.post(at, {"consent": "x"}).status_code == 422
    missing = chan.post(at, {"consent": str(uuid.uuid4())})
    assert missing.status_code == 422
    assert "No consent with this number" in missing.content.decode()
    with pytest.raises(errors.NoSuchConsent):
        erasing.erase_asked(contract=row.contract, consent=uuid.uuid4())
