"""The next edition of this side's list: drafted by one officer, published by another."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from django.db import transaction
from lxml import etree

from apps.signing.made import CONTACT, DAY, authority, entry
from kouan.apps.signing.lists import conformity, drafts, errors, jades, publishing, queries
from kouan.apps.signing.lists import second as second_signature
from kouan.apps.signing.lists.domain import Status
from kouan.apps.signing.models import ListDraft, ListEdition, ListEvent, ListKey
from kouan.core.text import Localised
from kouan.core.trust import sm2
from kouan.core.trust.queries import authorities
from kouan.demo import nodes
from kouan.demo import signing as demonstration
from kouan.demo.signers import LISTED
from kouan.sections.signing import SigningSettings

NOW = datetime.now(UTC)
NAME = Localised("New name", "新名稱", "新名称")


def test_an_edition_is_signed_by_the_second_officer_and_continues_the_one_before(publish):
    first = publish(entry())
    second = publish(entry("other"))
    assert (first.sequence, second.sequence) == (1, 2)
    edition = queries.newest("hk")
    assert [each.code for each in edition.entries] == ["harbour-personal", "other"]
    assert edition.previous == bytes(first.digest)
    assert edition.issued_at > queries.history("hk")[0].issued_at
    found = jades.verified(second.jws, authorities=x509.load_pem_x509_certificates(authorities("hk")))
    assert found.officer == "WONG Mei"
    assert second.xml.startswith("<?xml")
    assert ListEvent.objects.filter(what="published", by="wong").count() == 2


def test_who_submitted_a_draft_does_not_publish_it(node):
    drafts.begin(by="chan")
    draft = drafts.submit(by="chan")
    with pytest.raises(errors.SecondOfficer):
        publishing.publish(by="chan", officer="CHAN", version=draft.version)
    assert not ListEdition.objects.exists()


def test_what_is_published_is_what_the_second_officer_looked_at(node):
    drafts.begin(by="chan")
    looked_at = drafts.submit(by="chan").version
    drafts.take_back(by="chan")
    drafts.put(given=[entry()], by="chan")
    with pytest.raises(errors.DraftChanged):
        publishing.publish(by="wong", officer="WONG", version=looked_at)
    now_submitted = drafts.submit(by="chan")
    with pytest.raises(errors.DraftChanged):
        publishing.publish(by="wong", officer="WONG", version=looked_at)
    publishing.publish(by="wong", officer="WONG", version=now_submitted.version)
    with pytest.raises(errors.NoDraft):
        publishing.publish(by="wong", officer="WONG", version=now_submitted.version)


def test_there_is_one_draft_and_a_submitted_one_does_not_change(node):
    drafts.begin(by="chan")
    with pytest.raises(errors.DraftTaken):
        drafts.begin(by="wong")
    with pytest.raises(errors.DraftChanged):
        drafts.put(given=[entry()], by="wong", version=99)
    drafts.submit(by="chan")
    with pytest.raises(errors.DraftChanged):
        drafts.put(given=[entry()], by="wong")
    drafts.drop(by="wong")
    assert queries.draft() is None
    with pytest.raises(errors.NoDraft):
        drafts.put(given=[entry()], by="wong")


def test_what_was_published_stays_listed(publish):
    publish(entry())
    drafts.begin(by="chan")
    with pytest.raises(errors.EntryStays):
        drafts.remove(code="harbour-personal", by="chan")
    with pytest.raises(errors.PastRewritten):
        drafts.put(given=[entry(of=authority("Other"))], by="chan")
    drafts.put(given=[entry("new")], by="chan")
    drafts.remove(code="new", by="chan")
    with pytest.raises(errors.UnknownEntry):
        drafts.remove(code="new", by="chan")


def test_a_status_is_added_and_names_change(publish):
    publish(entry())
    drafts.begin(by="chan")
    drafts.change_status(
        code="harbour-personal", status=Status.WITHDRAWN, since=NOW, reason="Key lost", by="chan"
    )
    drafts.edit(
        code="harbour-personal", name=NAME, provider=NAME, last_day=NOW + 400 * DAY, type_policies=("1.2.3",),
        contact=CONTACT, by="chan",
    )  # fmt: skip
    draft = drafts.submit(by="chan")
    publishing.publish(by="wong", officer="WONG", version=draft.version)
    _edition, listed = queries.entry_of("hk", "harbour-personal")
    assert [each.status for each in listed.history] == ["recognised", "withdrawn"]
    assert (listed.name, listed.type_policies, listed.history[1].reason) == (NAME, ("1.2.3",), "Key lost")
    assert listed.contact == CONTACT
    assert queries.on_day("hk", "harbour-personal", NOW - DAY).stood == "recognised"
    assert queries.on_day("hk", "harbour-personal", NOW + DAY).stood == "withdrawn"


@pytest.mark.parametrize(
    "changes",
    [
        {"since": datetime(2020, 1, 1, tzinfo=UTC)},
        {"reason": ""},
        {"reason": "a\u0000b"},
        {"status": Status.RECOGNISED},
    ],
)
def test_a_status_that_does_not_follow_is_refused(node, changes):
    drafts.begin(by="chan")
    drafts.put(given=[entry()], by="chan")
    asked = {"status": Status.WITHDRAWN, "since": NOW, "reason": "Key lost"} | changes
    with pytest.raises(errors.IllFormedEntry):
        drafts.change_status(code="harbour-personal", by="chan", **asked)
    assert len(drafts.entries_of(queries.draft())[0].history) == 1


def test_a_last_day_before_the_first_is_refused(node):
    drafts.begin(by="chan")
    drafts.put(given=[entry()], by="chan")
    with pytest.raises(errors.IllFormedEntry):
        drafts.edit(
            code="harbour-personal", name=NAME, provider=NAME, last_day=datetime(2001, 1, 1, tzinfo=UTC),
            type_policies=(), contact=None, by="chan",
        )  # fmt: skip


def test_an_edition_says_where_its_publisher_is_reached_as_the_operator_set_it(publish, settings):
    contact = {
        "street": "2 Harbour Road", "locality": "Hong Kong", "country": "HK",
        "email": "lists@example.org", "website": "https://lists.example",
    }  # fmt: skip
    publish(entry())
    assert queries.newest("hk").publisher is None
    settings.NODE = replace(settings.NODE, signing=SigningSettings(publisher=contact))
    row = publish()
    found = queries.newest("hk")
    assert asdict(found.publisher) == contact | {"postal_code": "", "street_zh": "", "locality_zh": ""}
    assert found.information == f"{settings.NODE.portal_origin}/trust-lists/"
    assert conformity.problems(etree.fromstring(row.xml.encode())) == ()


@pytest.mark.parametrize("days", [0, 185, -1])
def test_the_next_update_is_within_six_months(node, days):
    drafts.begin(by="chan")
    with pytest.raises(errors.BadTerm):
        drafts.submit(by="chan", days=days)


def test_what_is_made_up_is_never_listed_in_earnest(node, settings):
    drafts.begin(by="chan")
    settings.NODE = replace(settings.NODE, demonstration=False)
    with pytest.raises(errors.OnlyDemonstration):
        drafts.put(given=[entry()], by="chan")


def test_a_list_has_an_end(node, monkeypatch):
    monkeypatch.setattr("kouan.apps.signing.lists.changes.MOST_ENTRIES", 1)
    drafts.begin(by="chan")
    with pytest.raises(errors.ListTooLong):
        drafts.put(given=[entry(), entry("other")], by="chan")


def test_a_side_that_asks_for_it_signs_with_sm2_too(publish, settings):
    settings.NODE = replace(settings.NODE, signing=replace(settings.NODE.signing, sm2=True))
    first, second = publish(entry()), publish()
    assert ListKey.objects.count() == 1
    for row in (first, second):
        key = sm2.PublicKey.from_spki(queries.parsed(bytes(row.digest)).sm2_key)
        key.verify(bytes(row.sm2_signature), row.jws.encode())
    with pytest.raises(InvalidSignature):
        key.verify(bytes(first.sm2_signature), second.jws.encode())
    # Who stops signs the edition that says so once more, so that nobody else can stop for them.
    settings.NODE = replace(settings.NODE, signing=replace(settings.NODE.signing, sm2=False))
    third, fourth = publish(), publish()
    assert queries.parsed(bytes(third.digest)).sm2_key == b""
    key.verify(bytes(third.sm2_signature), third.jws.encode())
    assert bytes(fourth.sm2_signature) == b""


def test_the_key_that_was_promised_signs_the_edition_that_names_another(publish, settings):
    settings.NODE = replace(settings.NODE, signing=replace(settings.NODE.signing, sm2=True))
    first = publish(entry())
    with transaction.atomic():
        second_key = second_signature._made()
    row, last = publish(), publish()
    was = sm2.PublicKey.from_spki(queries.parsed(bytes(first.digest)).sm2_key)
    was.verify(bytes(row.sm2_signature), row.jws.encode())
    assert queries.parsed(bytes(row.digest)).sm2_key == second_key.public_key().spki
    second_key.public_key().verify(bytes(last.sm2_signature), last.jws.encode())


def test_the_newest_editions_are_asked_who_is_recognised(publish):
    listed = entry(withdrawn_on=date(2026, 1, 1), reason="Closed")
    publish(listed)
    asked = {
        "root": listed.root, "issuing_ca": listed.issuing_ca, "certificate_type": None,
        "policies": ["2.16.344.8.2.2008.810.2.2012.1.0"],
    }  # fmt: skip
    assert queries.recognised(at=datetime(2025, 12, 1, tzinfo=UTC), **asked).recognised
    assert queries.recognised(at=datetime(2026, 2, 1, tzinfo=UTC), **asked).reason == "withdrawn"
    (anchor,) = queries.trust_anchors(datetime(2026, 2, 1, tzinfo=UTC))
    assert (anchor.certificate, anchor.sides) == (listed.root, ("hk",))


def test_a_draft_begins_with_what_is_published(publish):
    publish(entry())
    draft = drafts.begin(by="chan")
    assert drafts.entries_of(draft) == queries.newest("hk").entries
    assert ListDraft.objects.filter(state="open").count() == 1
    assert draft.begun_at - datetime.now(UTC) < timedelta(minutes=1)


@pytest.mark.parametrize("side", ["hk", "gd"])
def test_a_demonstration_of_either_side_lists_authorities_that_say_so(node, settings, tmp_path, side):
    (tmp_path / "demonstration.toml").write_text("", encoding="utf-8")
    nodes._set_signing(tmp_path / "demonstration.toml", side)
    said = tomllib.loads((tmp_path / "demonstration.toml").read_text(encoding="utf-8"))["signing"]
    settings.NODE = replace(settings.NODE, signing=SigningSettings.read({"publisher": said["publisher"]}))
    listed = [each for row in LISTED[side] for each in demonstration._entries(side, tmp_path, *row)]
    drafts.begin(by="chan")
    drafts.put(given=listed, by="chan")
    draft = drafts.submit(by="chan")
    row = publishing.publish(by="wong", officer="WONG", version=draft.version)
    assert len(listed) == 2 * len(LISTED[side])
    assert all(each.demonstration and "(demonstration)" in each.provider.en for each in listed)
    assert conformity.problems(etree.fromstring(row.xml.encode())) == ()
    settings.NODE = replace(settings.NODE, demonstration=False)
    drafts.begin(by="chan")
    with pytest.raises(errors.OnlyDemonstration):
        drafts.put(given=listed[:1], by="chan")
