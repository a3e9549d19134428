"""The auditors' pages: the register, what was denied and its replay, and the sample that proves it."""

from __future__ import annotations

import html
import io
import uuid
import zipfile
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given as generated
from hypothesis import strategies as st

from apps.dataflow.pages.conftest import HARBOUR, PEARL, officer
from kouan.apps.dataflow import auditing, consents, downloads, erasing, errors, heldback, ledgers
from kouan.apps.dataflow.models import Contract, DataConsent, Decision, Record
from kouan.apps.dataflow.picture import TOP, Given, picture, wrapped
from kouan.core import cbor
from kouan.core.exchange import bodies, refusals, sealing, wire, witness
from kouan.core.exchange.audit import audit
from kouan.core.exchange.bundle import Bundle
from kouan.core.exchange.calls import Called
from kouan.core.exchange.crossing import Told
from kouan.core.exchange.evidence import evidence_bundle
from kouan.core.exchange.models import OutboxBody, OutboxMessage
from kouan.core.exchange.reported import check_ledger
from kouan.core.exchange.verify import verify_bundle
from kouan.core.ledger.checkpoint import LedgerProof
from kouan.core.policy import policy_of
from kouan.core.policy.decide import NoAgreement
from kouan.core.trust.queries import own

pytestmark = pytest.mark.django_db

PAGES = ("", "denied/", "sample/")


@pytest.fixture
def crossed(gd, there, signed, given, sent):
    """A record that is in both ledgers, co-signed."""
    gd.log = 5
    contract = signed()
    consent = given(contract)
    record = sent(contract, consent)
    while (batch := sealing.seal_batch("gd")) is not None:
        gd.answer(batch)
    witness.publish()
    gd.cosign()
    there.log()
    return record


def test_neither_an_operator_nor_the_persons_file_has_what_a_record_says(crossed, me):
    """Only who reads it for its purpose has it, and that is noted."""
    address = f"/operations/crossings/{crossed.message_id}/evidence"
    handed = officer("operator", name="ops").get(address).content
    with zipfile.ZipFile(io.BytesIO(me.get("/my-data/export.zip").content)) as archive:
        own_copy = archive.read(f"evidence/{crossed.message_id}.bundle")
    for data in (handed, own_copy):
        assert "1/body" not in Bundle.decode(data).parts
        report = verify_bundle(data)
        assert report.holds, report.problems
        assert report.messages[0].payload is None
    assert verify_bundle(evidence_bundle([crossed.message_id])).messages[0].payload


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
    assert wide.count('<path class="flow-picture__band') == 2
    assert wide.count("Standard Contract") == 2
    assert "Pearl Insurance" in wide
    assert text.count("<tr role") == 3
    assert "Checking creditworthiness" in text


@pytest.fixture
def outside(gd, signed, given, sent):
    """What crossed under the sides' agreement, and what was denied with no contract that counts."""
    contract = signed()
    consent = given(contract)
    while (batch := sealing.seal_batch("gd")) is not None:
        gd.answer(batch)
    Contract.objects.update(state="proposed", signed_there=None)
    with pytest.raises(errors.UnsignedContract):
        sent(contract, consent)
    arrived = Decision.objects.get()
    Decision.objects.create(
        at=arrived.at, message_id=uuid.uuid4(), outgoing=False, type=arrived.type, contract=None,
        sender="gd", receiver="hk", allowed=False, code="no-contract", clause="contract", rules=[],
        case=arrived.case | {"contract": None},
    )  # fmt: skip
    consents.withdraw(key=consent.key, person=consent.person)
    gd.answer(sealing.seal_batch("gd"), ["no-agreement"])
    return contract


def test_flows_and_denials_on_every_basis_are_on_the_register(auditor, chan, outside):
    rows = {
        (row["rests_on"], row["sender"]): row
        for row in auditor.get("/data-flows/register.json").json()["register"]
    }
    consent = rows["agreement", "hk"]
    assert (consent["number"], consent["basis"], consent["clauses"]) == (
        "demonstration-data-flow", "data-flow", ["5.2"],
    )  # fmt: skip
    assert (consent["crossed"], consent["denied"], consent["in_force"]) == (1, 1, True)
    assert set(consent["elements"]) == {"person.pseudonym", "person.sign-in"}
    assert consent["what_for"] == ["dataflow.consent", "dataflow.consent-withdrawn"]
    assert [rows["nothing", side]["denied"] for side in ("hk", "gd")] == [1, 1]
    text = auditor.get("/data-flows/").content.decode()
    wide = text[text.index("flow-picture__wide") : text.index("flow-picture__narrow")]
    assert wide.count('<path class="flow-picture__band') == 3
    assert wide.count("flow-picture__band--denied") == 2
    assert "Demonstration agreement on contracts" in wide
    assert "A person&#39;s consent" in text
    lines = auditor.get("/data-flows/register.csv").content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("rests_on,sender,exporter,")
    assert len(lines) == 4


def test_what_was_denied_on_every_basis_is_listed_with_its_reason(auditor, outside):
    text = auditor.get("/data-flows/denied/").content.decode()
    assert "has not been signed by: Guangdong" in text
    assert "this side has none with the number that is named" in text
    assert "No agreement between the two sides lets this kind of message cross this way." in text
    assert "Withdrawal of a person&#39;s consent" in text
    rows = auditor.get("/data-flows/denied.json").json()["denied"]
    assert {(row["when"], row["sender"], row["code"]) for row in rows} == {
        ("before-it-left", "hk", "unsigned-contract"),
        ("on-arrival", "gd", "no-contract"),
        ("on-the-way", "hk", "no-agreement"),
    }
    lines = auditor.get("/data-flows/denied.csv").content.decode("utf-8-sig").splitlines()
    assert len(lines) == 4
    assert lines[0].split(",") == list(downloads.DENIED)


def test_a_message_that_no_agreement_lets_out_is_on_record_and_judged_again(auditor, gd, signed, given, node):
    """Its transaction is undone; so it is told when the request has ended, by whichever request is next."""
    contract = signed()
    consent = given(contract)
    held = policy_of(node.agreements)
    source, held.agreements = held.agreements, ()
    try:
        consents.withdraw(key=consent.key, person=consent.person)
        assert not Decision.objects.exists()
        text = auditor.get("/data-flows/denied/").content.decode()
        text = auditor.get("/data-flows/denied/").content.decode()
        row = Decision.objects.get()
        assert (row.type, row.code, row.contract, row.outgoing) == (
            "dataflow.consent-withdrawn", "no-agreement", None, True,
        )  # fmt: skip
        assert "Withdrawal of a person&#39;s consent" in text
        assert "No agreement between Hong Kong and Guangdong has a clause" in text
        page = f"/data-flows/decisions/{row.pk}/"
        assert "It comes out the same" in auditor.post(page).content.decode()
    finally:
        held.agreements = source
    assert "It comes out otherwise" in auditor.post(page).content.decode()
    found = {row["rests_on"]: row for row in auditor.get("/data-flows/register.json").json()["register"]}
    assert (found["nothing"]["denied"], found["nothing"]["what_for"]) == (1, ["dataflow.consent-withdrawn"])


def test_what_is_tried_again_and_again_is_not_written_down_for_ever(node, gd):
    denied = NoAgreement(clause="agreement", type="t", sender="hk", receiver="gd", legal_basis="b")
    for _ in range(heldback.MOST + 5):
        told = Told(frozenset({"matter.text"}), "dpv:LegalCompliance")
        refusals.hold_back(
            refusals.HeldBack("dataflow.notice", 1, "gd", told, None, None, timezone.now(), denied)
        )
        refusals.tell_held_back()
    assert Decision.objects.count() == heldback.MOST


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
    assert "1 of 1 proven from both ledgers" in text
    assert "Proven from both ledgers" in text
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


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda it: it | {"entries": [None]}, "shows no entry in a checkpoint that this side has co-signed"),
        (lambda it: it | {"entries": [[it["entries"][0][0], bytes(16), it["entries"][0][2]]]}, "not proved"),
        (lambda it: it | {"entries": [[3, *it["entries"][0][1:]]]}, "not proved"),
        (lambda it: it | {"entries": [[True, b"", b""]]}, "no question about messages"),
        (lambda it: it | {"entries": []}, "no question about messages"),
        (lambda it: it | {"more": 1}, "no question about messages"),
    ],
    ids=["none", "another salt", "another place", "ill formed", "too few", "more than asked"],
)
def test_what_the_other_side_does_not_show_is_not_proven_there(auditor, crossed, there, spoil, why):
    there.spoil = spoil
    text = html.unescape(auditor.post("/data-flows/sample/", {"count": "10"}).content.decode())
    assert "0 of 1 proven from both ledgers" in text
    assert "Proven here alone" in text
    assert "1 is proved from this side's ledger and signatures alone so far" in text
    assert why in text or "Not proved from the ledger of Guangdong" in text
    assert f"this is entry {there.places[crossed.message_id.bytes]} there" in text
    (row,), _most = auditing.sample(1)
    assert (row.proven, row.proven_here) == (False, True)


def test_a_checkpoint_that_this_side_has_not_co_signed_proves_nothing(crossed, there):
    there.note = there.uncosigned
    (row,), _most = auditing.sample(1)
    assert found(row)[auditing.THERE].missing
    there.spoil, there.status = (lambda said: said), 404
    (row,), _most = auditing.sample(1)
    assert "404" in found(row)[auditing.THERE].missing


def test_an_entry_in_another_place_than_the_receipt_names_is_no_proof(crossed, there):
    OutboxMessage.objects.filter(message_id=crossed.message_id).update(peer_ledger_index=4)
    (row,), _most = auditing.sample(1)
    assert "which is not the one that its receipt names" in found(row)[auditing.THERE].missing


def test_many_messages_are_asked_for_in_few_calls(crossed, there):
    row = auditing.sample(1)[0][0]
    there.asked.clear()
    shown = ledgers.shown([row.wanted] * (ledgers.MOST + 1))
    assert [len(each["messages"]) for each in there.asked] == [ledgers.MOST, 1]
    assert {each.index for each in shown} == {there.places[crossed.message_id.bytes]}


def test_this_side_shows_its_own_entries_to_whose_messages_they_are(crossed, gd):
    message = OutboxMessage.objects.get(message_id=crossed.message_id)
    pair = ["hk", message.message_id.bytes]

    def ask(caller, *pairs):
        body = cbor.encode({"v": 1, "messages": list(pairs)})
        said = ledgers.answer(Called(caller, ledgers.PATH, body))
        return cbor.decode(said.body, max_bytes=1 << 16)

    said = ask("gd", pair, ["gd", pair[1]], ["mo", pair[1]])
    (index, salt, path), *others = said["entries"]
    assert (index, others) == (message.ledger_index, [None, None])
    proof = LedgerProof(index, tuple(path[at : at + 32] for at in range(0, len(path), 32)), said["note"])
    record = wire.leaf(bytes(message.header), bytes(message.ciphertext_digest))
    ours, theirs = own().public, gd.keys.public
    finding, _cosigned = check_ledger(
        proof,
        salt=salt,
        record=record,
        keeper=ours,
        other=theirs,
        sides=(ours, theirs),
        witnesses=(),
        quorum=1,
    )
    assert finding.index == index
    OutboxMessage.objects.filter(pk=message.pk).update(peer="mo")
    assert ask("gd", pair)["entries"] == [None]  # it is between others


@pytest.mark.parametrize(
    "body",
    [b"", b"\xa0", cbor.encode({"v": 1, "messages": [["hk", b"short"]]}),
     cbor.encode({"v": 1, "messages": [["hk", bytes(16)]] * (ledgers.MOST + 1)}),
     cbor.encode({"v": 1, "messages": [], "more": 1})],
)  # fmt: skip
def test_a_question_about_the_ledger_that_cannot_be_read(gd, body):
    with pytest.raises(ledgers.MalformedProofCall):
        ledgers.answer(Called("gd", ledgers.PATH, body))


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
    assert sampled.proven_here
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
