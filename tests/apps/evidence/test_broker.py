"""The broker: what is offered to whom, what is shown, and what becomes of it when a record changes."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from kouan.apps.evidence import errors, issuing, keys, kinds, records
from kouan.apps.evidence.broker import EvidenceBroker
from kouan.apps.evidence.checking import examine
from kouan.apps.evidence.domain import ZONE, Change, begins
from kouan.apps.evidence.models import Credential, EvidenceRecord, Showing, StatusList
from kouan.apps.evidence.sdjwt import reading, signing, status
from kouan.core.credentials import Verdict, broker
from kouan.core.text import Localised


def verdict_of(presented):
    return examine(presented.text, now=timezone.now(), sender="hk").verdict


def test_the_app_keeps_credentials():
    assert isinstance(broker(), EvidenceBroker)


def test_an_offer_is_the_persons_own_and_in_full(put, chan):
    put()
    (offer,) = broker().offers(chan, "identity", to="gd")
    assert offer.type == "hk.identity"
    assert str(offer.issuer) == "Immigration Department"
    assert {claim.name: claim.value for claim in offer.claims}["name_zh"] == "陳小明"
    assert {claim.element for claim in offer.claims} >= {"person.name", "person.birthdate"}
    assert broker().offers(chan, "residence", to="gd") == []


@pytest.mark.parametrize(
    "holder", [{"document_number": "B123456(6)"}, {"document_number": ""}, {"level": 1}], ids=str
)
def test_nobody_else_is_offered_it(put, chan, holder):
    put()
    assert broker().offers(replace(chan, **holder), "identity", to="gd") == []


def test_a_number_is_the_same_however_it_is_written(put, chan):
    put(document_number="ａ123456（3）")
    assert len(broker().offers(chan, "identity", to="gd")) == 1


def test_what_does_not_count_is_not_offered(put, chan, today):
    put(valid_from=today + timedelta(days=1), valid_until=None)
    put(valid_until=today - timedelta(days=1))
    for change in (Change.SUSPENDED, Change.REVOKED):
        records.change(record=put(), change=change, by="x", departments=None)
    assert broker().offers(chan, "identity", to="gd") == []
    put(valid_from=today, valid_until=today)
    assert len(broker().offers(chan, "identity", to="gd")) == 1


def test_it_ends_on_its_last_day_and_not_the_day_after(put, chan, today):
    put(valid_until=today + timedelta(days=5))
    put(valid_until=None)
    dated, endless = broker().offers(chan, "identity", to="gd")
    assert dated.expires_at.astimezone(ZONE).date() == today + timedelta(days=5)
    assert dated.expires_at + timedelta(seconds=1) == begins(today + timedelta(days=6))
    assert endless.expires_at is None


def test_a_type_may_be_for_some_sides_alone(node, put, chan):
    folder = node.home / kinds.OWN_FOLDER
    folder.mkdir()
    (folder / "own.toml").write_text(
        '[departments.immigration]\nen = "Immigration"\nzh-hant = "入境處"\nzh-hans = "入境处"\n'
        '[[types]]\ncode = "hk.pass"\ndepartment = "immigration"\nrequirements = ["identity"]\n'
        'level = 2\ncounts_days = 3\nreceivers = ["mo"]\n'
        'title = { en = "Pass", zh-hant = "通行證", zh-hans = "通行证" }\n'
        '[[types.claims]]\nname = "number"\nelement = "person.document-type"\n'
        'title = { en = "Number", zh-hant = "號碼", zh-hans = "号码" }\n',
        encoding="utf-8",
    )
    kinds._catalogue.cache_clear()
    row = put(type="hk.pass", claims={"number": "P-1"})
    assert broker().offers(chan, "identity", to="gd") == []
    assert [each.id for each in broker().offers(chan, "identity", to="mo")] == [str(row.key)]
    with pytest.raises(errors.OfferGone):
        broker().present(chan, str(row.key), claims=["number"], to="gd", matter="m")


def test_what_is_shown_is_what_was_ticked(shown, chan):
    presented = shown(("name", "birthdate"))
    assert presented.elements == {"person.name", "person.birthdate"}
    parts = reading.split(presented.text)
    said = signing.verified(parts.token, keys.current().jwk, types=("dc+sd-jwt",))
    told = reading.disclosed(said, parts.disclosures)
    assert told["birthdate"] == "1985-02-28"
    assert "Male" not in told.values()
    assert "sex" not in told
    assert len(said["_sd"]) % 4 == 0  # five claims, and digests of nothing
    bound = reading.bound(parts, said)
    assert (bound["aud"], bound["nonce"], bound["acr"]) == ("urn:kouan:side:gd", "matter-1", "urn:gba:loa:4")
    assert set(said) == {
        "vct", "issuing_authority", "iss", "iat", "nbf", "status", "exp", "cnf", "_sd", "_sd_alg",
    }  # fmt: skip
    assert (
        said["nbf"] == begins(EvidenceRecord.objects.get().valid_from).timestamp() < said["iat"] - 299 * 86400
    )
    (row,) = Showing.objects.all()
    assert (row.person, row.to, row.claims) == (chan.key, "gd", ["name", "birthdate"])


def test_two_showings_have_nothing_in_common_but_the_person(shown, put):
    row = put()
    first, second = (reading.split(shown(record=row, matter=f"m{n}").text) for n in (1, 2))
    one, two = (signing.payload_of(each.token) for each in (first, second))
    assert one["cnf"] != two["cnf"]
    assert one["status"] != two["status"]
    assert not set(one["_sd"]) & set(two["_sd"])
    assert not set(first.disclosures) & set(second.disclosures)


def test_it_counts_as_long_as_the_type_says_or_the_record(shown, put, today):
    said = signing.payload_of(reading.split(shown().text).token)
    assert said["exp"] - said["iat"] == 30 * 86400
    soon = put(valid_until=today + timedelta(days=2))
    said = signing.payload_of(reading.split(shown(record=soon).text).token)
    assert said["exp"] - time.time() <= 3 * 86400


def test_another_persons_record_cannot_be_shown(shown, put, chan):
    other = put(document_number="B123456(6)")
    with pytest.raises(errors.OfferGone):
        shown(record=other)
    for key in (str(uuid.uuid4()), "nothing", ""):
        with pytest.raises(errors.OfferGone):
            broker().present(chan, key, claims=["name"], to="gd", matter="m")


def test_a_level_that_is_too_low(shown, put, chan):
    with pytest.raises(errors.EvidenceLevelTooLow) as refused:
        shown(holder=replace(chan, level=1))
    assert refused.value.params == {"needed": 2, "level": 1}


def test_claims_that_it_has_not(shown, put, chan):
    claims = {"name": "X", "birthdate": "1985-02-28", "sex": "Male", "document_type": "HKID"}
    row = put(claims=claims)
    with pytest.raises(errors.UnknownClaim):
        shown(("name_zh",), record=row)  # optional, and not in this one
    with pytest.raises(errors.UnknownClaim):
        shown(("address",))
    with pytest.raises(errors.NothingTicked):
        shown(())


def test_what_ended_between_offer_and_showing(shown, put, today):
    row = put()
    EvidenceRecord.objects.filter(pk=row.pk).update(valid_until=today - timedelta(days=1))
    with pytest.raises(errors.OfferGone):
        shown(record=row)
    row = put()
    records.change(record=row, change=Change.REVOKED, by="x", departments=None)
    with pytest.raises(errors.OfferGone):
        shown(record=row)


def test_a_record_takes_all_that_was_issued_from_it_along(shown, put):
    row, other = put(), put()
    first, second, apart = shown(record=row), shown(record=row), shown(record=other)
    records.change(record=row, change=Change.SUSPENDED, by="x", departments=None)
    assert [verdict_of(each) for each in (first, second, apart)] == [
        Verdict.SUSPENDED, Verdict.SUSPENDED, Verdict.GOOD
    ]  # fmt: skip
    records.change(record=row, change=Change.RESUMED, by="x", departments=None)
    assert verdict_of(first) is Verdict.GOOD
    records.change(record=row, change=Change.REVOKED, by="x", departments=None)
    assert verdict_of(first) is Verdict.REVOKED


@pytest.mark.parametrize(
    ("reason", "verdict"), [(Change.REVOKED, Verdict.REVOKED), (Change.SUSPENDED, Verdict.SUSPENDED)]
)
def test_what_has_ended_is_taken_back_too_since_a_case_may_rest_on_it(shown, put, reason, verdict):
    row = put()
    text = shown(record=row)
    Credential.objects.update(expires_at=timezone.now() - timedelta(days=1))
    records.change(record=row, change=reason, by="x", departments=None)
    assert verdict_of(text) is verdict


def test_what_had_ended_when_its_record_was_replaced_was_true_while_it_counted(shown, put):
    row = put()
    text = shown(record=row)
    Credential.objects.update(expires_at=timezone.now() - timedelta(days=1))
    put(reference=row.reference, claims={"name": "CHAN Tai Ming", "birthdate": "1985-02-28", "sex": "Male",
                                         "document_type": "HKID"})  # fmt: skip
    assert verdict_of(text) is Verdict.GOOD


def test_what_was_replaced_stays_revoked(shown, put):
    row = put()
    old = shown(record=row)
    put(reference=row.reference, claims={"name": "CHAN Tai Ming", "birthdate": "1985-02-28", "sex": "Male",
                                         "document_type": "HKID"})  # fmt: skip
    assert verdict_of(old) is Verdict.REVOKED
    new = shown(record=row)
    records.change(record=row, change=Change.SUSPENDED, by="x", departments=None)
    records.change(record=row, change=Change.RESUMED, by="x", departments=None)
    assert verdict_of(new) is Verdict.GOOD
    assert verdict_of(old) is Verdict.REVOKED


def test_places_are_scattered_and_never_shared(shown, put):
    row = put()
    for n in range(20):
        shown(record=row, matter=f"m{n}")
    places = list(Credential.objects.order_by("pk").values_list("list_id", "index"))
    assert len(set(places)) == 20
    assert [each for _, each in places] != sorted(each for _, each in places)


def test_a_full_list_is_followed_by_another(shown, put):
    row = put()
    shown(record=row)
    StatusList.objects.filter(audience="gd").update(next=status.SIZE)
    last = shown(record=row)
    assert StatusList.objects.filter(audience="gd").count() == 2
    assert verdict_of(last) is Verdict.GOOD


def test_a_lists_places_each_come_once(node):
    from kouan.apps.evidence import statuses  # noqa: PLC0415 - for this alone

    row = statuses.opened("gd")
    places = {(n * row.factor + row.offset) % status.SIZE for n in range(status.SIZE)}
    assert len(places) == status.SIZE


@pytest.fixture
def decision(node):
    """The result of a case."""
    title = Localised("Permit granted", "批准許可", "批准许可")
    titles = {"number": Localised("Number", "編號", "编号")}
    return broker().issue(
        type_="decision.permit", title=title, department="transport", claims={"number": "P-7"}, titles=titles,
        expires_at=None,
    )  # fmt: skip


def test_a_decision_is_checked_and_taken_back(decision):
    def check():
        return broker().check(decision, sender="hk", matter="", now=timezone.now())

    found = check()
    assert (found.verdict, found.type, found.issuer) == (Verdict.GOOD, "decision.permit", "hk:transport")
    assert found.claims == {"number": "P-7"}
    assert found.titles["number"].zh_hant == "編號"
    assert found.expires_at is None
    broker().revoke(decision)
    broker().revoke(decision)
    assert check().verdict is Verdict.REVOKED


NAMES = ["status", "title", "iss", "status_", "status__", "_sd", "...", "..._", "address", "end_"]


def test_a_claim_may_be_called_as_a_credential_calls_its_own(node):
    titles = {name: Localised(name, name, name) for name in NAMES}
    text = broker().issue(
        type_="decision.odd", title=titles["title"], department="transport", claims=dict.fromkeys(NAMES, "x"),
        titles=titles, expires_at=None,
    )  # fmt: skip
    found = broker().check(text, sender="hk", matter="", now=timezone.now())
    assert (found.verdict, set(found.claims), set(found.titles)) == (Verdict.GOOD, set(NAMES), set(NAMES))


def test_the_status_of_a_residence_is_shown(gd, put, chan):
    claims = {"name": "CHAN", "status": "Permanent resident", "address": "1 Ferry Street"}
    row = put(type="hk.residence", claims=claims)
    text = broker().present(chan, str(row.key), claims=["status"], to="gd", matter="m").text
    assert examine(text, now=timezone.now(), sender="hk").claims == {"status": "Permanent resident"}


@pytest.mark.parametrize("text", ["", "nothing", "a.b.c~", "eyJ.a.b~c~"])
def test_only_what_was_issued_here_can_be_taken_back(decision, text):
    with pytest.raises(errors.NotACredential):
        broker().revoke(text)


def test_keys_follow_each_other_and_old_ones_still_check(node, shown, put):
    old = shown()
    now = timezone.now()
    later = now + keys.LIFE - timedelta(days=1)
    assert not keys.renew(now=now)
    assert keys.renew(now=later)
    assert not keys.renew(now=later)
    first, second = keys.published()
    assert second.since == first.until
    assert keys.current(now=later).kid == first.kid
    assert keys.current(now=later + timedelta(days=2)).kid == second.kid
    assert verdict_of(old) is Verdict.GOOD
    assert {each["kid"] for each in keys.jwks()["keys"]} == {first.kid, second.kid}


def test_a_node_with_another_secret_reads_nothing(node, put, chan, settings):
    row = put()
    settings.NODE = replace(settings.NODE, secret_key="another secret of the node 0123456789")  # noqa: S106 - made up
    assert broker().offers(chan, "identity", to="gd") == []
    with pytest.raises(errors.UnreadableSecret):
        records.claims_of(row)


def test_a_decision_never_bears_the_name_of_a_type_of_evidence(node):
    words = Localised("No conviction", "無犯罪紀錄", "无犯罪记录")
    with pytest.raises(errors.TypeTaken):
        broker().issue(
            type_="hk.no-conviction", title=words, department="library", claims={"name": "CHAN"},
            titles={"name": words}, expires_at=None,
        )  # fmt: skip
    assert not Credential.objects.exists()


@pytest.mark.parametrize("change", [Change.SUSPENDED, Change.REVOKED, Change.REPLACED])
def test_what_changed_since_it_was_read_is_not_issued_any_more(put, chan, monkeypatch, change):
    row = put(reference="ROP-1")
    read = issuing.from_record

    def meanwhile(**how):
        if change is Change.REPLACED:
            put(reference="ROP-1", claims=records.claims_of(row) | {"name": "CHAN Tai Ming"})
        else:
            records.change(record=row, change=change, by="x", departments=None)
        return read(**how)

    monkeypatch.setattr(issuing, "from_record", meanwhile)
    with pytest.raises(errors.OfferGone):
        broker().present(chan, str(row.key), claims=["name"], to="gd", matter="m")
    assert not Credential.objects.exists()
