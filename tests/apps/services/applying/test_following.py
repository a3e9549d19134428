"""What the other side tells is kept in order and once; what the applicant does goes over; news is told."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from apps.services.applying.made import ANSWERS, PDF
from kouan.apps.services import concerns
from kouan.apps.services.applying import (
    acting,
    correcting,
    cosigning,
    drafts,
    errors,
    expiry,
    mailing,
    queries,
)
from kouan.apps.services.applying import following as parts
from kouan.apps.services.models import Application, ApplicationNotice, Cosignature
from kouan.apps.services.register import ApplicationConsents
from kouan.core.exchange import Undelivered
from kouan.core.exchange.handling import report_undelivered
from kouan.core.exchange.models import OutboxBody, OutboxMessage
from kouan.core.sides.recognising import kinds
from kouan.core.watch.concerns import Concern
from kouan.web.throttle import TooManyTriesError

WHEN = "2026-12-24"


def kinds_of(row):
    return [each.kind for each in row.events.order_by("pk")]


# The other side's steps


def test_each_step_is_kept_with_reference_and_day(sent, gd):
    row = sent()
    gd.move(row, "received", "received", due_on=WHEN)
    assert (row.state, row.reference, str(row.due_on)) == ("received", "GD-2026-000123", WHEN)
    gd.move(row, "take-up", "in-review")
    assert (row.state, row.due_on, row.seen_seq) == ("in-review", None, 2)
    assert kinds_of(row) == ["begun", "sent", "received", "take-up"]


def test_the_story_is_in_the_order_in_which_it_went(sent, gd):
    row = sent()  # in the middle of a second; the other side tells whole ones
    row.events.filter(kind="sent").update(at=timezone.now().replace(microsecond=500_000))
    gd.move(row, "received", "received", at=int(row.events.get(kind="sent").at.timestamp()))
    assert [each.kind for each in queries.shown(row).story] == ["begun", "sent", "received"]


def test_the_same_step_twice_is_one_and_a_late_one_changes_no_state(sent, gd):
    row = sent()
    gd.move(row, "take-up", "in-review", seq=2)
    gd.move(row, "take-up", "in-review", seq=2)
    gd.move(row, "received", "received", seq=1)
    assert (row.state, row.seen_seq) == ("in-review", 2)
    assert sorted(kinds_of(row)) == ["begun", "received", "sent", "take-up"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"sender": "mo"}, errors.UnknownApplication),
        ({"application": bytes(16)}, errors.UnknownApplication),
        ({"state": "draft"}, errors.BadStep),
        ({"state": "nonsense"}, errors.BadStep),
        ({"due_on": "2026-02-31"}, errors.BadStep),
    ],
)
def test_only_the_side_that_has_it_tells_of_it_and_only_what_can_be(sent, gd, changes, error):
    row = sent()
    state = changes.pop("state", "received")
    with pytest.raises(error):
        gd.move(row, "received", state, **changes)
    row.refresh_from_db()
    assert row.state == "sent"


def test_a_reading_is_shown_and_moves_nothing(sent, gd, chan):
    row = sent()
    gd.move(row, "take-up", "in-review", due_on=WHEN)
    gd.move(row, "read", "in-review")
    assert (row.state, str(row.due_on)) == ("in-review", WHEN)
    ((mine, reading),) = queries.all_readings(chan.person)
    assert (mine.row.pk, reading.kind) == (row.pk, "read")


def test_the_result_is_kept_sealed_and_handed_out_as_it_came(sent, gd):
    row = sent()
    gd.grant(row, PDF)
    assert (row.state, row.reference) == ("granted", "GD-2026-000123")
    assert b"%PDF" not in bytes(row.result)
    assert queries.result_of(row) == PDF
    assert queries.credential_of(row) == "ey.ey.sig~"


def test_a_result_that_its_side_never_signed_is_kept_shown_as_such_and_calls_for_a_person(sent, gd, chan):
    row = sent()
    gd.grant(row, PDF)
    assert row.verdict == "malformed"
    assert list(concerns.find(timezone.now())) == [Concern("result-unsound", "gd", 1)]
    assert list(concerns.find(timezone.now() + timedelta(days=8))) == []
    shown = chan.browser.get(reverse("services:application", args=[row.key])).content.decode()
    assert "not signed by the department" in shown


def test_a_result_whose_keys_are_not_here_yet_is_no_alarm(sent, gd, chan, held, shown_at_home):
    row = sent()
    gd.grant(row, PDF, credential=shown_at_home)
    assert row.verdict == "unknown-issuer"
    assert list(concerns.find(timezone.now())) == []
    shown = chan.browser.get(reverse("services:application", args=[row.key])).content.decode()
    assert "cannot be told just now" in shown


@pytest.mark.parametrize("changes", [{"digest": bytes(32)}, {"content": b"<html>"}])
def test_what_is_no_pdf_is_no_result(sent, gd, changes):
    row = sent()
    with pytest.raises(errors.BadResult):
        gd.grant(row, changes.get("content", PDF), digest=changes.get("digest"))
    row.refresh_from_db()
    assert (row.state, bytes(row.result)) == ("sent", b"")


def test_what_was_not_taken_is_said_and_can_be_begun_again(sent):
    row = sent()
    told = Undelivered(id=row.message_id, receiver="gd", conversation=row.key, code="no-longer-offered")
    parts.not_taken(message=told)
    parts.not_taken(message=told)
    row.refresh_from_db()
    assert (row.state, kinds_of(row)[-1]) == ("not-taken", "not-taken")
    assert row.events.filter(kind="not-taken").count() == 1


# What the applicant does


def act(row, chan, action, **more):
    seen = drafts.opened(drafts.mine(row.key, chan.person)).seen
    acting.act(key=row.key, person=chan.person, action=action, **{"seen": seen} | more)


def test_what_may_be_done_follows_the_table(sent, gd):
    row = sent()
    assert acting.allowed(row) == ["withdraw"]
    gd.move(row, "received", "received")
    assert acting.allowed(row) == ["withdraw", "message"]
    gd.move(row, "ask-correction", "correction", ask=["answers.plate"])
    assert acting.allowed(row) == ["correct", "withdraw", "message"]
    gd.move(row, "refuse", "refused", words="No.")
    assert acting.allowed(row) == ["appeal", "withdraw-consent", "message"]


def test_what_still_waits_here_is_taken_back_and_never_goes(sent, gd, chan):
    row = sent()
    address = reverse("services:act", args=[row.key, "withdraw"])
    assert "still waits here" in chan.browser.get(address).content.decode()
    told = chan.browser.post(address, {"words": "I have moved."}, follow=True).content.decode()
    assert "the department has received nothing" in told
    assert "I have moved." in told
    message = OutboxMessage.objects.get(message_id=row.message_id)
    assert (message.state, message.code, message.size) == ("cancelled", "application-taken-back", 0)
    assert gd.hear() == []
    report_undelivered()
    row.refresh_from_db()
    assert (row.state, kinds_of(row)[-1], acting.allowed(row)) == ("withdrawn", "withdraw", [])
    proposal = SimpleNamespace(consent_reference=str(row.key), sender="hk", receiver="gd")
    assert not ApplicationConsents().covers(proposal)
    again = drafts.again(key=row.key, person=chan.person, language="en")
    assert drafts.opened(drafts.mine(again.key, chan.person)).answers == ANSWERS


def test_what_has_left_is_taken_back_where_it_goes(sent, gd, chan):
    row = sent()
    gd.hear()
    act(row, chan, "withdraw", words="I have moved.")
    ((kind, said),) = gd.hear()
    assert (kind, said["action"], said["words"]) == ("services.applicant", "withdraw", "I have moved.")
    row.refresh_from_db()
    assert (row.state, kinds_of(row)[-1], acting.allowed(row)) == ("sent", "asked-to-withdraw", [])
    with pytest.raises(errors.NotYourTurn):
        act(row, chan, "withdraw")
    gd.move(row, "received", "received")
    gd.move(row, "withdraw", "withdrawn")
    assert (row.state, acting.allowed(row)) == ("withdrawn", ["withdraw-consent", "message"])


def test_a_word_goes_over_and_may_be_repeated(sent, gd, chan):
    row = sent()
    gd.move(row, "received", "received")
    gd.hear()
    act(row, chan, "message", words=" When? ")
    ((kind, said),) = gd.hear()
    assert (kind, said["action"], said["words"], said["answers"]) == (
        "services.applicant",
        "message",
        "When?",
        b"",
    )
    act(row, chan, "message", words="And now?")
    with pytest.raises(errors.SayMore):
        act(row, chan, "message", words="  ")
    with pytest.raises(errors.SayMore):
        act(row, chan, "message", words="x" * 4001)


def test_what_was_done_is_not_done_twice_until_it_is_answered_or_refused(sent, gd, chan):
    row = sent()
    gd.move(row, "refuse", "refused")
    act(row, chan, "appeal", words="Look again.")
    with pytest.raises(errors.NotYourTurn):
        act(row, chan, "appeal", words="Look again.")
    event = row.events.get(kind="appealed")
    told = Undelivered(id=event.message_id, receiver="gd", conversation=row.key, code="appeal-over")
    parts.word_not_taken(message=told)
    parts.word_not_taken(message=told)
    assert kinds_of(row).count("not-heard") == 1
    assert "appeal" in acting.allowed(Application.objects.get(pk=row.pk))


def test_only_what_was_asked_can_be_corrected_and_goes_over_whole(sent, gd, chan):
    row = sent()
    gd.hear()
    gd.move(row, "ask-correction", "correction", ask=["answers.plate"], words="It is not yours.", due_on=WHEN)
    draft = drafts.opened(row)
    assert correcting.may_edit(draft, "answers.plate")
    assert not correcting.may_edit(draft, "answers.about")
    assert not correcting.may_edit(draft, "needs.identity")
    drafts.change(key=row.key, person=chan.person, seen=draft.seen, answers={**ANSWERS, "plate": "XY1"})
    row.refresh_from_db()
    with pytest.raises(errors.ConsentNeeded):
        act(row, chan, "correct", agreed=False)
    act(row, chan, "correct", words="Now it is.")
    ((_kind, said),) = gd.hear()
    assert json.loads(said["answers"])["plate"] == "XY1"
    assert (said["evidence"], said["action"]) == ([], "correct")
    gd.move(row, "correct", "in-review")
    assert not drafts.opened(row).editable


def test_evidence_that_was_asked_for_again_goes_over_with_the_correction(sent, gd, chan):
    row = sent()
    gd.hear()
    gd.move(row, "ask-correction", "correction", ask=["needs.identity"])
    act(row, chan, "correct")
    ((_kind, said),) = gd.hear()
    assert [each["requirement"] for each in said["evidence"]] == ["identity"]


# News


def test_news_is_kept_and_sent_without_saying_what(sent, gd, chan):
    row = sent()
    gd.move(row, "received", "received")
    assert not ApplicationNotice.objects.exists()
    gd.move(row, "refuse", "refused", words="No.")
    assert [words for _row, words in queries.news(chan.person)] == ["Refused"]
    assert mailing.run()
    (letter,) = mail.outbox
    assert letter.to == ["chan@example.com"]
    for secret in ("CHAN", "Permit", "Refused", "GD-2026"):
        assert secret not in letter.subject + letter.body
    assert not mailing.run()


def test_a_consent_is_withdrawn_after_the_end_and_then_nothing_more_is_sent(sent, gd, chan):
    row = sent()
    gd.move(row, "take-up", "in-review")
    assert "withdraw-consent" not in acting.allowed(row)
    gd.move(row, "refuse", "refused")
    gd.hear()
    assert OutboxBody.objects.exists()
    address = reverse("services:act", args=[row.key, "withdraw-consent"])
    assert "This cannot be undone" in chan.browser.get(address).content.decode()
    assert chan.browser.post(address, {"words": ""}).status_code == 302
    kept = OutboxBody.objects.filter(message__conversation=row.key)
    assert kept.get().message.state == "waiting"  # of what crossed only the withdrawal is left
    ((_kind, said),) = gd.hear()
    assert (said["action"], said["answers"], said["evidence"]) == ("withdraw-consent", b"", [])
    row.refresh_from_db()
    assert acting.allowed(row) == []
    gd.move(row, "restrict", "refused")
    assert not kept.exists()
    assert (row.state, kinds_of(row)[-1]) == ("refused", "restrict")
    proposal = SimpleNamespace(consent_reference=str(row.key), sender="hk", receiver="gd")
    assert not ApplicationConsents().covers(proposal)


def test_a_withdrawal_of_consent_that_was_not_taken_can_be_made_again(sent, gd, chan):
    row = sent()
    gd.move(row, "refuse", "refused")
    acting.act(key=row.key, person=chan.person, action="withdraw-consent")
    message = row.events.get(kind="withdrew-consent").message_id
    parts.word_not_taken(message=Undelivered(id=message, receiver="gd", conversation=row.key, code="not-now"))
    row.refresh_from_db()
    assert "withdraw-consent" in acting.allowed(row)


def test_unread_news_is_counted_in_the_navigation(sent, gd, chan):
    row = sent()
    address = reverse("services:mine")
    assert "kouan-navigation__count" not in chan.browser.get(address).content.decode()
    gd.move(row, "take-up", "in-review")
    gd.move(row, "refuse", "refused")
    shown = chan.browser.get(address).content.decode()
    assert '<span class="govuk-visually-hidden">new: </span>1</span>' in shown
    chan.browser.get(reverse("services:application", args=[row.key]))
    assert "kouan-navigation__count" not in chan.browser.get(address).content.decode()


def test_an_e_mail_is_tried_again_and_not_for_ever(sent, gd, settings):
    settings.EMAIL_BACKEND = "apps.services.applying.test_following.Broken"
    row = sent()
    gd.move(row, "refuse", "refused")
    for tries in range(1, mailing.MOST_TRIES + 1):
        assert mailing.run()
        notice = ApplicationNotice.objects.get()
        assert notice.tries == tries
        assert not mailing.run()
        ApplicationNotice.objects.filter(mail_due_at__isnull=False).update(mail_due_at=timezone.now())
    assert ApplicationNotice.objects.get().mail_due_at is None


class Broken:
    """A server that is not there."""

    def __init__(self, **_how):
        pass

    def send_messages(self, _messages):
        raise ConnectionRefusedError


def test_without_an_address_news_is_in_the_portal_alone(filled, send, gd):
    row = send(filled())
    gd.move(row, "refuse", "refused")
    assert not mailing.run()
    assert ApplicationNotice.objects.get().mail_due_at is None


# Cosigning


@pytest.fixture
def shared(filled):
    return filled(cosigners={"least": 1, "most": 2})


def ask(row, chan, *, name="LEE Ka Yan", number="B765432A"):
    return cosigning.ask(key=row.key, person=chan.person, name=name, document_number=number)


def sign(row, lee, *, yes=True, digest=None):
    draft = drafts.opened(Application.objects.get(pk=row.application_id))
    digest = digest or draft.digest().hex()
    return cosigning.answer(key=row.key, person=lee.person, sign=yes, digest=digest)


def test_it_goes_when_the_cosigner_has_signed_and_says_who(shared, send, chan, lee, gd):
    asked = ask(shared, chan)
    with pytest.raises(errors.NotReady):
        send(shared)
    sign(asked, lee)
    send(shared)
    said = next(payload for kind, payload in gd.hear() if kind == "services.application")
    ((one),) = said["cosigners"]
    assert (one["name"], one["level"]) == ("LEE Ka Yan", lee.person.level)
    assert one["subject"] != said["subject"]
    assert lee.person.key not in repr(said)


def test_the_number_of_the_document_is_kept_nowhere(shared, chan):
    ask(shared, chan)
    assert "765432" not in repr(list(Cosignature.objects.values()))


def test_only_the_person_who_is_asked_signs(shared, chan, lee):
    asked = ask(shared, chan)
    with pytest.raises(errors.NotTheCosigner):
        cosigning.open_request(asked.key, chan.person)
    wrong = ask(shared, chan, number="C1234569", name="Somebody")
    with pytest.raises(errors.NotTheCosigner):
        cosigning.open_request(wrong.key, lee.person)


def test_the_same_number_of_another_kind_of_document_is_somebody_else(shared, chan, node):
    passport = cosigning.ask(
        key=shared.key, person=chan.person, name="A", document_number="H12345678", document="hk-passport"
    )
    other = replace(
        chan.person, key=str(uuid.uuid4()), document_number="H12345678", document_type="home-return-permit"
    )
    with pytest.raises(errors.NotTheCosigner):
        cosigning.open_request(passport.key, other)
    right = replace(other, document_type="hk-passport")
    assert cosigning.open_request(passport.key, right)[0].pk == passport.pk
    assert dict(kinds("hk"))["hk-passport"]


def test_a_cosigner_who_was_asked_before_kinds_were_still_signs(shared, chan, lee):
    asked = ask(shared, chan)
    salt = bytes(asked.document_salt)
    Cosignature.objects.filter(pk=asked.pk).update(
        document="", document_digest=cosigning._hardened("B765432A", salt)
    )
    assert sign(asked, lee).state == "signed"


def test_a_wrong_cosigner_is_replaced(shared, chan, lee, send):
    wrong = ask(shared, chan, number="C1234569", name="Somebody")
    cosigning.take_back(key=shared.key, person=chan.person, cosigner=wrong.key)
    with pytest.raises(errors.UnknownCosigner):
        cosigning.open_request(wrong.key, lee.person)
    sign(ask(shared, chan), lee)
    assert send(shared).state == "sent"


def test_changed_answers_need_signing_again(shared, chan, lee, send):
    asked = ask(shared, chan)
    stale = drafts.opened(Application.objects.get(pk=shared.pk)).digest().hex()
    sign(asked, lee)
    draft = drafts.opened(drafts.mine(shared.key, chan.person))
    drafts.change(key=shared.key, person=chan.person, seen=draft.seen, answers={**ANSWERS, "plate": "XY1"})
    with pytest.raises(errors.NotReady):
        send(shared)
    with pytest.raises(errors.Stale):
        sign(asked, lee, digest=stale)
    sign(asked, lee)
    assert send(shared).state == "sent"


def test_who_declines_is_told_to_the_applicant_and_somebody_else_is_asked(shared, chan, lee, send):
    sign(ask(shared, chan), lee, yes=False)
    assert [row.kind for row, _words in queries.news(chan.person)] == ["declined"]
    with pytest.raises(errors.NotReady):
        send(shared)


@pytest.mark.parametrize("number", ["A123456(3)", " ", "a1234563"])
def test_the_applicant_is_no_cosigner(shared, chan, number):
    with pytest.raises(errors.CosignerNotPossible):
        ask(shared, chan, number=number)


def test_nobody_is_asked_twice_and_no_more_than_the_service_takes(shared, chan):
    ask(shared, chan)
    with pytest.raises(errors.CosignerNotPossible):
        ask(shared, chan, number="B 765432 (A)")
    ask(shared, chan, number="C1234569", name="Somebody")
    with pytest.raises(errors.TooManyCosigners):
        ask(shared, chan, number="K12345678", name="One more")


def test_somebody_is_asked_so_often_a_day(shared, chan):
    for number in range(20):
        asked = ask(shared, chan, number=f"K123456{number:02}", name="Somebody")
        cosigning.take_back(key=shared.key, person=chan.person, cosigner=asked.key)
    with pytest.raises(TooManyTriesError):
        ask(shared, chan)


def test_who_is_replaced_while_they_sign_does_not_sign(shared, chan, lee, monkeypatch):
    asked = ask(shared, chan)
    true = cosigning.open_request

    def meanwhile(key, person):
        """The request stood when it was read; then the applicant takes it back."""
        read = true(key, person)
        cosigning.take_back(key=shared.key, person=chan.person, cosigner=asked.key)
        return read

    digest = drafts.opened(Application.objects.get(pk=shared.pk)).digest().hex()
    monkeypatch.setattr(cosigning, "open_request", meanwhile)
    with pytest.raises(errors.UnknownCosigner):
        cosigning.answer(key=asked.key, person=lee.person, sign=True, digest=digest)
    asked.refresh_from_db()
    assert (asked.state, asked.person) != ("signed", lee.person.key)


# Ends


def later(row, **by):
    Application.objects.filter(pk=row.pk).update(expires_at=timezone.now() + timedelta(**by))


def test_a_draft_is_reminded_of_once_and_erased_in_the_end(filled, chan):
    row = filled()
    later(row, days=2)
    assert expiry.run()
    assert [kind.kind for kind, _words in queries.news(chan.person)] == ["ends-soon"]
    assert not expiry.run()
    later(row, seconds=-1)
    assert expiry.run()
    assert not Application.objects.filter(pk=row.pk).exists()


def test_who_left_an_address_is_reminded_of_a_draft_by_e_mail(filled, chan, send):
    row = filled()
    address = reverse("services:news-to", args=[row.key])
    wrong = chan.browser.post(address, {"email": "nobody"})
    assert (wrong.status_code, "Enter an e-mail address" in wrong.content.decode()) == (422, True)
    before = Application.objects.get(pk=row.pk)
    assert chan.browser.post(address, {"email": " chan@example.com "}).status_code == 302
    row.refresh_from_db()
    assert (b"chan@" in bytes(row.email), row.updated_at) == (False, before.updated_at)
    for shown in ("application", "check"):
        text = chan.browser.get(reverse(f"services:{shown}", args=[row.key])).content.decode()
        assert 'value="chan@example.com"' in text
    later(row, days=2)
    assert expiry.run()
    assert mailing.run()
    (letter,) = mail.outbox
    assert letter.to == ["chan@example.com"]
    chan.browser.post(address, {"email": ""})
    row.refresh_from_db()
    assert mailing.address_of(row) == ""
    send(row)
    with pytest.raises(errors.NotEditable):
        mailing.write_to(key=row.key, person=chan.person, text="chan@example.com")


def test_a_wait_for_cosigners_ends_and_the_draft_stays(shared, chan, lee):
    asked = ask(shared, chan)
    later(shared, seconds=-1)
    with pytest.raises(errors.UnknownCosigner):
        cosigning.open_request(asked.key, lee.person)
    assert expiry.run()
    shared.refresh_from_db()
    assert (shared.state, shared.expires_at > timezone.now()) == ("draft", True)
    assert kinds_of(shared)[-1] == "cosigning-lapsed"


def test_what_was_sent_is_never_erased(sent):
    row = sent()
    later(row, seconds=-1)
    assert not expiry.run()
    row.refresh_from_db()


# Who has read it


def test_each_crossing_is_listed_with_its_place_in_the_ledger(sent, gd, chan):
    row = sent()
    gd.hear()
    row.refresh_from_db()
    (one,) = queries.crossings(queries.shown(row).mine)
    message = OutboxMessage.objects.get(message_id=row.message_id)
    assert (one.message_id, one.ledger_index, one.peer_ledger_index) == (
        row.message_id, message.ledger_index, message.peer_ledger_index,
    )  # fmt: skip
    assert one.ledger_index is not None
    assert set(one.kinds) == {"person.birthdate", "person.name", "person.vehicle"}
    with pytest.raises(errors.UnknownApplication):
        queries.message_of(row, uuid.uuid4())
