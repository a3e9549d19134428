"""The side that has the case is down for days while its applicant is asked to correct something."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.services.applying.made import ANSWERS
from kouan.apps.services.applying import acting, drafts, reasons
from kouan.apps.services.applying import following as parts
from kouan.apps.services.cases import errors as of_cases
from kouan.core.exchange import Undelivered
from kouan.core.exchange.receipts import take_receipt
from kouan.core.exchange.sealing import seal_batch
from kouan.core.exchange.times import milliseconds


@pytest.fixture
def later(monkeypatch, gd):
    """Lets time pass, for this node and for Guangdong's."""
    true, passed = timezone.now, [timedelta()]
    monkeypatch.setattr(timezone, "now", lambda: true() + passed[0])

    def go(**by):
        passed[0] += timedelta(**by)
        gd.peer.clock = milliseconds(timezone.now())

    return go


def test_a_correction_waits_for_the_other_node_and_says_when_it_was_made(sent, gd, chan, later):
    row = sent()
    gd.hear()
    due = (timezone.now() + timedelta(days=1)).date()
    gd.move(row, "ask-correction", "correction", ask=["answers.plate"], words="Look.", due_on=str(due))
    mended = {**ANSWERS, "plate": "XY1"}
    draft = drafts.change(key=row.key, person=chan.person, seen=drafts.opened(row).seen, answers=mended)
    made = timezone.now()
    acting.act(key=row.key, person=chan.person, action="correct", seen=draft.seen)
    later(hours=50)
    row.refresh_from_db()
    assert (row.state, str(row.due_on)) == ("correction", str(due))
    assert "correct" not in acting.allowed(row)  # it is on its way, once

    opened = gd.peer.open((sealed := seal_batch("gd")).wire)
    take_receipt(sealed, gd.peer.receipt(opened))
    ((header, said),) = zip(opened.headers, opened.payloads, strict=True)
    assert json.loads(said["answers"]) == mended
    assert abs(header["made"] - milliseconds(made)) < 60_000 < milliseconds(timezone.now()) - header["made"]

    # It had lapsed there before it came; what was sent in time counts (``cases.test_down``).
    gd.move(row, "lapse", "lapsed")
    gd.move(row, "correct", "in-review", due_on="2026-12-24")
    assert (row.state, str(row.due_on)) == ("in-review", "2026-12-24")
    assert drafts.opened(row).answers == mended
    assert "appeal" not in acting.allowed(row)


def test_why_it_was_not_taken_stands_on_the_applicants_page(sent, chan):
    row = sent()
    refused = Undelivered(id=row.message_id, receiver="gd", conversation=row.key, code="expired")
    parts.not_taken(message=refused)
    page = chan.browser.get(f"/applications/{row.key}/").content.decode()
    assert page.count("the other side could not be reached") == 2  # beside how it stands, and in the story


def test_every_reason_for_which_an_application_becomes_no_case_is_said_in_words():
    codes = {error.code for error in of_cases.NotTaken.__subclasses__()}
    between_nodes = {"other-conversation", "application-of-another"}  # which no applicant can mend
    assert codes - between_nodes <= reasons.WHY.keys()
    assert "other-conversation" in reasons.why("other-conversation")
    assert reasons.why("") == ""
