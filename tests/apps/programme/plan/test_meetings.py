"""Meetings of the two sides: convened, changed, attended, with papers and invitations; ours and theirs."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone
from icalendar import Calendar

from apps.programme.plan.made import OFFICER, minutes, words
from kouan.apps.programme.crossings import AgendaPoint, Delegation
from kouan.apps.programme.models import Attendee, Draft, JointMeeting, MeetingPaper, Subject
from kouan.apps.programme.plan import drafting, errors, mailing, meetings, negotiating
from kouan.apps.programme.plan.domain import Line
from kouan.apps.programme.plan.meetings import Arranged, Person

START = datetime(2026, 10, 9, 1, 30, tzinfo=UTC)


def line(text):
    return Line.model_validate(words(text))


def arranged(**changes):
    values = {
        "title": line("Plenary"), "place": line("Hong Kong"), "mode": "in-person", "starts_at": START,
        "ends_at": START + timedelta(hours=3),
        "agenda": (AgendaPoint(id="progress", title=line("Progress")),),
    } | changes  # fmt: skip
    return Arranged(**values)


def said(key, **changes):
    return {
        "meeting": key.bytes, "sequence": 0, "state": "planned", "title": words("Plenary"),
        "place": words("Guangzhou"), "mode": "video", "starts_at": int(START.timestamp()),
        "ends_at": int(START.timestamp()) + 3600, "agenda": [{"id": "a", "title": words("Progress")}],
    } | changes  # fmt: skip


@pytest.fixture
def sending(settings):
    settings.MAIL_IS_SENT = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def test_a_meeting_and_its_changes_are_told_with_a_growing_sequence(gd):
    row = meetings.convene(peer="gd", arranged=arranged())
    meetings.change(key=row.key, arranged=arranged(mode="hybrid"))
    meetings.close(key=row.key, state="held")
    heard = [payload for type_, payload in gd.hear() if type_ == "programme.meeting"]
    assert [(each["sequence"], each["mode"], each["state"]) for each in heard] == [
        (0, "in-person", "planned"), (1, "hybrid", "planned"), (2, "hybrid", "held"),
    ]  # fmt: skip
    with pytest.raises(errors.MeetingOver):
        meetings.change(key=row.key, arranged=arranged())


@pytest.mark.parametrize("ends", [START, START - timedelta(hours=1), START + timedelta(days=3)])
def test_a_meeting_ends_after_it_begins_and_within_two_days(gd, ends):
    with pytest.raises(errors.MeetingOrder):
        meetings.convene(peer="gd", arranged=arranged(ends_at=ends))
    assert gd.hear() == []


def test_the_other_sides_meeting_is_kept_and_only_its_host_changes_it(gd):
    key = uuid.uuid4()
    assert gd.say("programme.meeting", said(key), conversation=key) == ("handled", "")
    row = JointMeeting.objects.get()
    assert (row.host, row.mode) == ("gd", "video")
    with pytest.raises(errors.NotTheHost):
        meetings.change(key=key, arranged=arranged())
    again = said(key, sequence=1, mode="hybrid")
    assert gd.say("programme.meeting", again, conversation=key) == ("handled", "")
    assert gd.say("programme.meeting", said(key), conversation=key) == ("refused", "old-meeting-change")
    row.refresh_from_db()
    assert row.mode == "hybrid"


def test_nobody_takes_over_a_meeting_of_this_side(gd):
    row = meetings.convene(peer="gd", arranged=arranged())
    gd.hear()
    taken = said(row.key, sequence=9, state="cancelled")
    assert gd.say("programme.meeting", taken, conversation=row.key) == ("refused", "not-the-host")
    other = uuid.uuid4()
    assert gd.say("programme.meeting", said(other), conversation=row.key) == ("refused", "other-plan")
    row.refresh_from_db()
    assert row.state == "planned"


def test_who_takes_part_is_told_without_an_address(gd, sending):
    row = meetings.convene(peer="gd", arranged=arranged())
    person = Person("CHEUNG Mei Ling", line("Director"), "mei.ling@example.org", "zh-hant")
    meetings.delegate(key=row.key, persons=[person])
    (told,) = [payload for type_, payload in gd.hear() if type_ == "programme.delegation"]
    assert told["delegates"] == [{"name": "CHEUNG Mei Ling", "office": words("Director")}]
    delegates = {"meeting": row.key.bytes, "delegates": [{"name": "WANG Fang", "office": words("Head")}]}
    assert gd.say("programme.delegation", delegates, conversation=row.key) == ("handled", "")
    assert {each.side for each in Attendee.objects.all()} == {"hk", "gd"}
    assert Delegation


def test_each_delegate_gets_an_invitation_a_new_one_with_each_change_and_a_cancellation(gd, sending):
    row = meetings.convene(peer="gd", arranged=arranged())
    person = Person("CHEUNG Mei Ling", line("Director"), "mei.ling@example.org", "zh-hant")
    meetings.delegate(key=row.key, persons=[person])
    assert mailing.run() is True
    assert mailing.run() is False
    (first,) = mail.outbox
    assert first.to == ["mei.ling@example.org"]
    assert "Plenary（繁）" in first.subject
    ((name, content, kind),) = first.attachments
    assert (name, kind) == ("invite.ics", "text/calendar; method=REQUEST")
    event = Calendar.from_ical(content).walk("VEVENT")[0]
    assert (str(event["UID"]), event["SEQUENCE"], event["DTSTART"].dt) == (f"{row.key}@kouan", 0, START)
    assert str(event["ATTENDEE"]) == "mailto:mei.ling@example.org"
    meetings.delegate(key=row.key, persons=[person])
    assert mailing.run() is False
    meetings.change(key=row.key, arranged=arranged(place=line("Kowloon"), mode="hybrid"))
    mailing.run()
    assert "Kowloon（繁）\n親身出席及視像會議\n" in mail.outbox[1].body
    meetings.close(key=row.key, state="cancelled")
    mailing.run()
    events = [Calendar.from_ical(each.attachments[0][1]) for each in mail.outbox]
    assert [str(each["METHOD"]) for each in events] == ["REQUEST", "REQUEST", "CANCEL"]
    assert [each.walk("VEVENT")[0]["SEQUENCE"] for each in events] == [0, 1, 2]
    told = [str(each.walk("VEVENT")[0]["DESCRIPTION"]).split("\n")[0] for each in events]
    assert told == ["親身出席", "親身出席及視像會議", "親身出席及視像會議"]


def test_a_server_that_is_away_is_tried_again_later(gd, sending, settings, monkeypatch):
    row = meetings.convene(peer="gd", arranged=arranged())
    meetings.delegate(key=row.key, persons=[Person("A", line("a"), "a@example.org")])
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 1, 1
    mailing.run()
    kept = Attendee.objects.get()
    assert (kept.tries, kept.invited) == (1, -1)
    assert timezone.now() < kept.mail_due_at <= timezone.now() + timedelta(minutes=1)
    assert mailing.run() is False


def test_a_paper_goes_over_with_its_digest_and_only_once(gd):
    row = meetings.convene(peer="gd", arranged=arranged())
    gd.hear()
    paper = meetings.add_paper(key=row.key, title=line("Figures"), name="figures.pdf", data=b"%PDF-1.4")
    with pytest.raises(errors.PaperThere):
        meetings.add_paper(key=row.key, title=line("Again"), name="again.pdf", data=b"%PDF-1.4")
    ((type_, told),) = gd.hear()
    assert (type_, told["content"]["sha256"]) == ("programme.paper", bytes(paper.sha256))
    for data in (b"", b"x" * ((8 << 20) + 1)):
        with pytest.raises(errors.PaperTooLarge):
            meetings.add_paper(key=row.key, title=line("Too"), name="too.pdf", data=data)
    assert MeetingPaper.objects.count() == 1


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (datetime(2026, 10, 1, 2, tzinfo=UTC), {("gd", "holiday"), ("hk", "holiday")}),
        (datetime(2026, 10, 10, 2, tzinfo=UTC), {("hk", "weekend")}),
        (datetime(2026, 10, 9, 2, tzinfo=UTC), set()),
        (datetime(2044, 10, 9, 2, tzinfo=UTC), {("gd", "unknown"), ("hk", "unknown")}),
        (datetime(2026, 10, 9, 17, tzinfo=UTC), {("hk", "weekend")}),
    ],
)
def test_days_on_which_a_side_does_not_work_are_found_on_its_own_calendar(day, found):
    off = meetings.days_off(day, day + timedelta(hours=2), ["gd", "hk"])
    assert {(each.side, each.kind) for each in off} == found


def test_minutes_are_agreed_by_both_and_their_open_actions_follow_to_the_next_meeting(gd):
    row = meetings.convene(peer="gd", arranged=arranged())
    gd.hear()
    meetings.close(key=row.key, state="held")
    draft = drafting.for_minutes(meeting=row, officer=OFFICER)
    assert [point["id"] for point in draft.content["points"]] == ["progress"]
    owner = {"side": "gd", "department": words("Data")}
    actions = [
        {
            "id": name,
            "title": words(name),
            "owner": owner,
            "due": "2027-01-31",
            "state": state,
            "since": str(row.key),
        }
        for name, state in (("open-one", "open"), ("done-one", "done"))
    ]
    Draft.objects.update(content={k: v for k, v in minutes(row.key, actions=actions).items()
                                  if k not in {"version", "replaces", "sides", "author"}})  # fmt: skip
    version = negotiating.propose(subject=draft.subject, edition=1, officer=OFFICER)
    later = meetings.convene(
        peer="gd",
        arranged=arranged(starts_at=START + timedelta(days=90), ends_at=START + timedelta(days=90, hours=1)),
    )
    assert drafting.open_actions(later) == []
    gd.hear()
    assert gd.answer(bytes(version.digest), row.key) == ("handled", "")
    assert [each["id"] for each in drafting.open_actions(later)] == ["open-one"]
    following = drafting.for_minutes(meeting=later, officer=OFFICER)
    assert following.content["actions"][0]["since"] == str(row.key)
    assert Subject.objects.filter(kind="minutes").count() == 2
