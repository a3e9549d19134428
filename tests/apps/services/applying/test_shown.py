"""What crosses is what the person saw and agreed to, whatever is changed meanwhile, and a copy says it."""

from __future__ import annotations

import base64
import io
import json

import pytest
from django.urls import reverse
from pypdf import PdfReader

from apps.services.applying.conftest import NUMBER
from apps.services.applying.made import ANSWERS
from apps.services.applying.test_carrying import NEEDS
from apps.services.applying.test_views import hidden_in, page, post
from kouan.apps.evidence import records
from kouan.apps.evidence.errors import OfferChanged
from kouan.apps.evidence.models import EvidenceRecord
from kouan.apps.services.applying import acting, copies, correcting, drafts, errors, following, sending
from kouan.apps.services.models import Application, ApplicationEvent
from kouan.core.exchange import Undelivered
from kouan.core.exchange.models import OutboxMessage


def replaced(held, **claims):
    """Have the department replace what it holds, under the same reference."""
    entry = records.Entry(
        type=held.type, reference=held.reference, document_number=NUMBER,
        claims=records.claims_of(held) | claims, valid_from=held.valid_from, valid_until=held.valid_until,
    )  # fmt: skip
    return records.put(entry=entry, by="tests", departments=None)


def disclosed(said):
    """Return all that a message of ours discloses of evidence, as text."""
    parts = [part for each in said["evidence"] for part in each["text"].split("~")[1:-1]]
    return " ".join(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode() for part in parts)


def test_what_is_replaced_after_the_last_look_does_not_go(filled, chan, held, gd):
    row = filled()
    check = page(chan.browser, "check", row.key)
    assert "3 February 1990" in check.text
    replaced(held, birthdate="1991-12-24")
    url = reverse("services:check", args=[row.key])
    refused = chan.browser.post(url, hidden_in(check) | {"agree": "yes", "email": ""})
    assert refused.status_code == 409
    assert "A department has changed evidence that you chose" in refused.text
    assert "24 December 1991" in refused.text
    assert not OutboxMessage.objects.filter(type="services.application").exists()
    # Looked at and chosen again, it goes as it says now.
    evidence = page(chan.browser, "evidence", row.key, "identity")
    assert "The department has changed it since you chose it" in evidence.text
    claims = {f"claims-{held.key}": ["name", "birthdate"]}
    assert post(chan.browser, "evidence", row.key, "identity", choice=str(held.key), **claims).url == url
    assert post(chan.browser, "check", row.key, agree="yes", email="").status_code == 302
    ((_kind, said),) = gd.hear()
    assert "1991-12-24" in disclosed(said)


def test_what_is_replaced_while_the_page_of_evidence_is_open_is_not_chosen(begun, chan, held):
    row = begun()
    shown = hidden_in(page(chan.browser, "evidence", row.key, "identity"))
    replaced(held, birthdate="1991-12-24")
    url = reverse("services:evidence", args=[row.key, "identity"])
    values = {"choice": str(held.key), f"claims-{held.key}": ["name", "birthdate"]}
    refused = chan.browser.post(url, shown | values)
    assert refused.status_code == 422
    assert "24 December 1991" in refused.text
    assert drafts.opened(Application.objects.get()).picks == {}


def test_what_is_replaced_while_files_are_sealed_does_not_go(filled, send, held, monkeypatch):
    row, true = filled(), sending.attached

    def meanwhile(*args):
        replaced(held, birthdate="1991-12-24")
        return true(*args)

    monkeypatch.setattr(sending, "attached", meanwhile)
    with pytest.raises(OfferChanged):
        send(row)
    row.refresh_from_db()
    assert row.state == "draft"
    assert not OutboxMessage.objects.filter(type="services.application").exists()


def test_a_cosigner_signs_the_evidence_as_it_was_chosen(filled, chan, held):
    row = filled()
    before = drafts.opened(drafts.mine(row.key, chan.person))
    now = replaced(held, birthdate="1991-12-24")
    picks = {"identity": before.picks["identity"] | {"version": str(now.version)}}
    after = drafts.change(key=row.key, person=chan.person, seen=before.seen, picks=picks)
    assert after.digest() != before.digest()


def test_a_choice_from_before_versions_were_kept_is_made_again(filled, chan):
    row = filled()
    draft = drafts.opened(drafts.mine(row.key, chan.person))
    before = {name: value for name, value in draft.picks["identity"].items() if name != "version"}
    draft = drafts.change(key=row.key, person=chan.person, seen=draft.seen, picks={"identity": before})
    assert [(each.what, each.place) for each in sending.missing(draft, chan.person)] == [
        ("evidence", "identity")
    ]
    with pytest.raises(errors.EvidenceChanged):
        sending.submit(key=row.key, person=chan.person, seen=draft.seen, agreed=True, email="")


# The copy


def copy_of(chan, row):
    data = page(chan.browser, "copy", row.key).content
    return " ".join(
        part for each in PdfReader(io.BytesIO(data)).pages for part in each.extract_text().split()
    )


def test_the_copy_says_what_was_sent_and_not_what_is_held_now(sent, chan, held):
    row = sent()
    before = copy_of(chan, row)
    assert "1990-02-03" in before
    replaced(held, birthdate="1991-12-24", name="CHAN Other")
    assert copy_of(chan, row) == before
    EvidenceRecord.objects.update(state="revoked")
    assert copy_of(chan, row) == before


def test_what_is_kept_of_it_is_sealed(sent):
    told = b"".join(bytes(each.told) for each in sent().events.all())
    assert b"1990" not in told
    assert b"AB1234" not in told


def test_the_copy_of_a_correction_says_it_once_it_was_sent(sent, gd, chan, held):
    row = sent()
    gd.move(row, "ask-correction", "correction", ask=["answers.plate", "needs.identity"])
    before = copy_of(chan, row)
    now = replaced(held, birthdate="1991-12-24")
    draft = drafts.opened(row)
    pick = draft.picks["identity"] | {"version": str(now.version)}
    draft = drafts.change(
        key=row.key, person=chan.person, seen=draft.seen, answers={**ANSWERS, "plate": "XY1"},
        picks={"identity": pick},
    )  # fmt: skip
    assert copy_of(chan, row) == before
    acting.act(key=row.key, person=chan.person, action="correct", seen=draft.seen)
    after = copy_of(chan, row)
    assert "1991-12-24" in after
    assert "XY1" in after
    assert "AB1234" not in after


def test_a_correction_that_had_no_effect_is_not_in_the_copy(sent, gd, chan):
    row = sent()
    gd.move(row, "ask-correction", "correction", ask=["answers.plate"])
    draft = drafts.change(
        key=row.key, person=chan.person, seen=drafts.opened(row).seen, answers={**ANSWERS, "plate": "XY1"}
    )
    acting.act(key=row.key, person=chan.person, action="correct", seen=draft.seen)
    event = row.events.get(kind="corrected")
    following.word_not_taken(
        message=Undelivered(id=event.message_id, receiver="gd", conversation=row.key, code="not-now")
    )
    assert copies.sent_of(row).answers == ANSWERS


def test_a_copy_of_what_was_sent_before_says_that_the_evidence_was_not_kept(sent, chan, held):
    row = sent()
    ApplicationEvent.objects.filter(application=row, kind="sent").update(told=b"")
    replaced(held, birthdate="1991-12-24")
    text = copy_of(chan, row)
    assert "was not kept" in text
    assert "1991-12-24" not in text


# A correction


def test_a_correction_goes_as_its_page_showed_it(sent, gd, chan):
    row = sent()
    gd.move(row, "ask-correction", "correction", ask=["answers.plate"])
    seen = hidden_in(page(chan.browser, "correct", row.key))
    drafts.change(
        key=row.key, person=chan.person, seen=drafts.opened(row).seen, answers={**ANSWERS, "plate": "XY1"}
    )
    url = reverse("services:correct", args=[row.key])
    stale = chan.browser.post(url, seen | {"agree": "yes"})
    assert stale.status_code == 409
    assert "XY1" in stale.text
    assert not row.events.filter(kind="corrected").exists()
    assert chan.browser.post(url, hidden_in(stale) | {"agree": "yes"}).status_code == 302


def corrected(row, chan, answers):
    draft = drafts.opened(drafts.mine(row.key, chan.person))
    return drafts.change(key=row.key, person=chan.person, seen=draft.seen, answers=answers)


NO = {"about": ANSWERS["about"], "vehicle": False}


def test_an_answer_that_raises_another_question_can_be_corrected_to_its_end(filled, send, gd, chan):
    row = filled()
    corrected(row, chan, NO)
    send(row)
    gd.hear()
    gd.move(row, "ask-correction", "correction", ask=["answers.vehicle"])
    assert not correcting.may_edit(drafts.opened(row), "answers.plate")
    done = post(chan.browser, "answer", row.key, "vehicle", vehicle="yes")
    assert done.url == reverse("services:correct", args=[row.key])
    plate = reverse("services:answer", args=[row.key, "plate"])
    shown = page(chan.browser, "correct", row.key)
    assert f'href="{plate}"' in shown.text
    assert "Something is missing" in shown.text
    assert post(chan.browser, "correct", row.key, agree="yes").status_code == 422
    assert post(chan.browser, "answer", row.key, "plate", plate="AB1234").status_code == 302
    assert post(chan.browser, "answer", row.key, "plate", plate="XY1").status_code == 302  # and changed again
    assert not correcting.may_edit(drafts.opened(drafts.mine(row.key, chan.person)), "answers.about")
    assert post(chan.browser, "correct", row.key, agree="yes").status_code == 302
    ((_kind, said),) = gd.hear()
    assert json.loads(said["answers"]) == ANSWERS | {"plate": "XY1"}


@pytest.mark.parametrize("place", ["answers.plate", "answers.photo"])
def test_a_correction_without_what_was_asked_says_why_in_words(sent, gd, chan, place):
    row = sent()
    gd.move(row, "ask-correction", "correction", ask=[place])
    refused = post(chan.browser, "correct", row.key, agree="yes")
    assert refused.status_code == 422
    assert "is as it was" in refused.text
    assert not row.events.filter(kind="corrected").exists()
    assert post(chan.browser, "correct", row.key, agree="yes", words="It is right.").status_code == 302


def test_evidence_that_was_asked_for_is_shown_or_said_why_not(filled, send, gd, chan, held):
    row = filled(needs=[NEEDS[0] | {"needed": False}, *NEEDS[1:]])
    draft = drafts.opened(drafts.mine(row.key, chan.person))
    pick = draft.picks["identity"]
    drafts.change(key=row.key, person=chan.person, seen=draft.seen, picks={})
    send(row)
    gd.move(row, "ask-correction", "correction", ask=["needs.identity"])
    seen = drafts.opened(drafts.mine(row.key, chan.person)).seen
    with pytest.raises(errors.NotCorrected):
        acting.act(key=row.key, person=chan.person, action="correct", seen=seen)
    draft = drafts.change(key=row.key, person=chan.person, seen=seen, picks={"identity": pick})
    acting.act(key=row.key, person=chan.person, action="correct", seen=draft.seen)
    assert row.events.filter(kind="corrected").exists()
