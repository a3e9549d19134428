"""What was picked is held against what is asked now: neither more nor older evidence goes than is shown."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.services.applying.made import ANSWERS, PNG, definition
from kouan.apps.evidence import records
from kouan.apps.evidence.domain import Change
from kouan.apps.evidence.models import EvidenceRecord
from kouan.apps.services.applying import acting, drafts, errors, sending, uploads
from kouan.apps.services.catalogue.errors import FaultyDefinition
from kouan.apps.services.models import Application
from kouan.core.exchange.models import OutboxMessage

NEEDS = definition().model_dump(mode="json", by_alias=True)["needs"]


def needing(**changes):
    """Return the needs of the service with the first one changed."""
    return [NEEDS[0] | changes, *NEEDS[1:]]


def opened(row, chan):
    return drafts.opened(drafts.mine(row.key, chan.person))


def lacking(row, chan):
    return {(each.what, each.place) for each in sending.missing(opened(row, chan), chan.person)}


def pick(row, chan, **picked):
    seen = opened(row, chan).seen
    drafts.change(key=row.key, person=chan.person, seen=seen, picks={"identity": picked})


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, True),
        ({"claims": ["name", "birthdate"], "optional": []}, True),
        ({"claims": ["birthdate"], "optional": []}, False),
        ({"claims": ["name", "birthdate", "sex"], "optional": []}, False),
        ({"claims": ["name", "birthdate", "sex"], "optional": ["sex"]}, True),
    ],
    ids=["the same", "as picked", "fewer", "more", "more that may be left out"],
)
def test_a_new_version_keeps_only_what_it_asks_itself(filled, gd, chan, changes, kept):
    row = filled()
    gd.publish(version=2, needs=needing(**changes))
    assert ("identity" in opened(row, chan).picks) is kept
    assert (("evidence", "identity") not in lacking(row, chan)) is kept


@pytest.mark.parametrize("may", [True, False])
def test_a_file_instead_is_kept_only_where_the_new_version_takes_one(filled, gd, chan, may):
    row = filled()
    pick(row, chan, upload=True)
    gd.publish(version=2, needs=needing(upload=may))
    assert ("identity" in opened(row, chan).picks) is may


def test_evidence_that_has_become_too_old_is_looked_for_again(filled, gd, chan, send):
    row = filled(needs=needing(max_age_days=31))
    assert lacking(row, chan) == set()
    EvidenceRecord.objects.update(valid_from=timezone.now().date() - timedelta(days=33))
    assert lacking(row, chan) == {("evidence", "identity")}
    with pytest.raises(errors.NotReady):
        send(row)
    assert not OutboxMessage.objects.filter(type="services.application").exists()


@pytest.mark.parametrize("claims", [["name"], ["name", "birthdate", "sex"]], ids=["less", "more"])
def test_other_claims_than_the_page_offers_do_not_go(filled, chan, held, claims):
    row = filled()
    pick(row, chan, offer=str(held.key), claims=claims)
    assert lacking(row, chan) == {("evidence", "identity")}


def test_revoked_evidence_is_said_before_it_is_sent(filled, chan, held):
    row = filled()
    records.change(record=held, change=Change.REVOKED, by="tests", departments=None)
    assert lacking(row, chan) == {("evidence", "identity")}


def test_a_correction_of_an_answer_does_not_hang_on_evidence_that_has_ended_since(sent, gd, chan, held):
    row = sent()
    gd.move(row, "ask-correction", "correction", ask=["answers.plate"])
    records.change(record=held, change=Change.REVOKED, by="tests", departments=None)
    words = "It is right as it is."
    acting.act(key=row.key, person=chan.person, action="correct", words=words, seen=opened(row, chan).seen)
    assert row.events.filter(kind="corrected").exists()


# First values


def prefilling(claim):
    form = definition().model_dump(mode="json", by_alias=True)["form"]
    form["properties"]["about"]["properties"]["name"]["x-prefill"] = f"evidence.identity.{claim}"
    return form


def test_a_first_value_is_only_what_the_service_asks_to_be_shown(gd):
    with pytest.raises(FaultyDefinition) as error:
        gd.publish(form=prefilling("sex"))
    assert "identity.sex" in str(error.value)


def test_evidence_that_needs_a_surer_sign_in_fills_in_nothing(begun):
    assert "born" not in drafts.opened(begun(needs=needing(level=4))).answers["about"]


@pytest.mark.parametrize(
    "changes",
    [
        {"homes": ["gd"]},
        {"needs": needing(optional=["sex"])},
        {"needs": needing(requirement="nonsense")},
        {"cosigners": {"least": 2, "most": 1}},
    ],
    ids=["its own residents", "optional and not asked", "no such requirement", "more than may sign"],
)
def test_what_could_not_be_published_here_is_not_taken_from_elsewhere(gd, changes):
    with pytest.raises(FaultyDefinition):
        gd.publish(**changes)


# Beginning again


def with_photo(row, chan):
    def also(locked):
        uploads.keep(locked, place="answers.photo", name="me.png", media_type="image/png", data=PNG)

    digest = hashlib.sha256(PNG).hexdigest()
    drafts.change(
        key=row.key, person=chan.person, seen=opened(row, chan).seen, also=also,
        answers=ANSWERS | {"photo": digest},
    )  # fmt: skip


def test_an_answer_whose_file_is_not_here_does_not_go(filled, chan, send):
    row = filled()
    with_photo(row, chan)
    assert lacking(row, chan) == set()
    row.files.all().delete()
    assert lacking(row, chan) == {("answers", "photo")}
    with pytest.raises(errors.NotReady):
        send(row)


def test_beginning_again_does_not_say_that_files_are_there(filled, chan, send):
    row = filled()
    with_photo(row, chan)
    send(row)
    Application.objects.filter(pk=row.pk).update(state="not-taken")
    new = drafts.again(key=row.key, person=chan.person, language="en")
    assert opened(new, chan).answers == ANSWERS


def test_beginning_again_leaves_a_draft_that_is_open_as_it_is(sent, chan):
    row = sent()
    Application.objects.filter(pk=row.pk).update(state="not-taken")
    other = drafts.begin(
        person=chan.person, side="gd", service="northbound-permit", language="en", attributes={}
    )
    drafts.change(
        key=other.key, person=chan.person, seen=opened(other, chan).seen, answers={"vehicle": False}
    )
    again = drafts.again(key=row.key, person=chan.person, language="en")
    assert again.pk == other.pk
    assert opened(again, chan).answers["vehicle"] is False
