"""What is said of a sent application is said in a sign-in that the service takes; its level goes along."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.urls import reverse

from apps.services.applying.conftest import browser_of, session_of
from apps.services.applying.made import ANSWERS, PDF
from apps.services.applying.test_carrying import NEEDS
from apps.services.applying.test_sending import attach
from apps.services.applying.test_views import page
from kouan.apps.identity.domain import Level
from kouan.apps.services.applying import acting, drafts, errors
from kouan.core.exchange.crossing import UndeclaredCrossing
from kouan.core.exchange.handling import report_undelivered
from kouan.core.exchange.models import OutboxMessage
from kouan.core.exchange.receipts import take_receipt
from kouan.core.exchange.sealing import seal_batch


def seen_of(row, chan):
    return drafts.opened(drafts.mine(row.key, chan.person)).seen


@pytest.mark.parametrize("action", ["message", "appeal", "withdraw", "correct"])
def test_nothing_is_said_to_the_department_in_a_weaker_sign_in(sent, gd, chan, action):
    row = sent()
    moves = {"appeal": ("refuse", "refused"), "correct": ("ask-correction", "correction")}
    gd.move(row, *moves.get(action, ("received", "received")))
    gd.hear()
    seen = seen_of(row, chan)
    with pytest.raises(errors.SignInTooLow):
        acting.act(
            key=row.key, person=replace(chan.person, level=1), action=action, words="Please.", seen=seen
        )
    assert gd.hear() == []
    acting.act(key=row.key, person=chan.person, action=action, words="Please.", seen=seen)
    ((_kind, said),) = gd.hear()
    assert (said["action"], said["level"]) == (action, chan.person.level)


def test_a_consent_is_withdrawn_in_any_sign_in(sent, gd, chan):
    row = sent()
    gd.move(row, "refuse", "refused")
    gd.hear()
    acting.act(key=row.key, person=replace(chan.person, level=1), action="withdraw-consent")
    ((_kind, said),) = gd.hear()
    assert (said["action"], said["level"]) == ("withdraw-consent", 1)


def test_evidence_is_shown_again_in_the_sign_in_that_it_needs(filled, send, gd, chan):
    row = filled(needs=[NEEDS[0] | {"level": 4}, *NEEDS[1:]])
    send(row, person=replace(chan.person, level=4))
    gd.move(row, "ask-correction", "correction", ask=["needs.identity"])
    seen = seen_of(row, chan)
    with pytest.raises(errors.SignInTooLow) as error:
        acting.act(key=row.key, person=chan.person, action="correct", seen=seen)
    assert error.value.params["needed"] == 4
    acting.act(key=row.key, person=replace(chan.person, level=4), action="correct", seen=seen)


@pytest.mark.parametrize("action", ["message", "withdraw"])
def test_the_page_says_how_to_sign_in(sent, gd, action):
    row = sent(level=3)
    gd.move(row, "received", "received")
    weak = browser_of(session_of(level=Level.LOW))
    assert "Sign in in a surer way" in page(weak, "act", row.key, action).text
    refused = weak.post(reverse("services:act", args=[row.key, action]), {"words": "Please."})
    assert refused.status_code == 403
    assert "level=3" in refused.text


# A node of the version before


def refused_by(gd):
    """Have Guangdong's node refuse all that waits for it, as one that declares no such version."""
    sealed = seal_batch("gd")
    opened = gd.peer.open(sealed.wire)
    take_receipt(sealed, gd.peer.receipt(opened, *([UndeclaredCrossing.code] * opened.statement["n"])))
    report_undelivered()
    return opened


def test_a_node_that_knows_no_levels_is_told_without_them(sent, gd, chan):
    row = sent()
    gd.move(row, "received", "received")
    gd.hear()
    acting.act(key=row.key, person=chan.person, action="message", words="When?")
    refused_by(gd)
    message = OutboxMessage.objects.get(type="services.applicant", version=2)
    assert message.dismissed  # nobody need look at it
    ((_kind, said),) = gd.hear()
    assert (said["words"], "level" in said) == ("When?", False)
    assert [each.kind for each in row.events.filter(ours=True)] == ["begun", "sent", "wrote"]
    assert row.events.get(kind="wrote").message_id != message.message_id
    acting.act(key=row.key, person=chan.person, action="message", words="And now?")
    ((_kind, said),) = gd.hear()
    assert "level" not in said


def test_what_cannot_be_said_again_is_told_to_the_applicant_and_then_goes(filled, send, gd, chan):
    row = filled()
    attach(row, chan, PDF, place="needs.identity", name="id.pdf")
    draft = drafts.opened(drafts.mine(row.key, chan.person))
    drafts.change(key=row.key, person=chan.person, seen=draft.seen, picks={"identity": {"upload": True}})
    send(row)
    gd.hear()
    gd.move(row, "ask-correction", "correction", ask=["answers.plate", "needs.identity"])
    draft = drafts.change(
        key=row.key, person=chan.person, seen=seen_of(row, chan), answers={**ANSWERS, "plate": "XY1"}
    )
    for expected in ("refused", "heard"):
        acting.act(
            key=row.key, person=chan.person, action="correct", seen=seen_of(row, chan), words="As asked."
        )
        if expected == "refused":
            refused_by(gd)
            assert row.events.filter(kind="not-heard").exists()
    ((_kind, said),) = gd.hear()
    assert [each["name"] for each in said["attachments"]] == ["id.pdf"]
    assert "level" not in said
