"""Drafts are half filled, guarded against two devices, and sent once with a signed consent."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.services.applying.conftest import person_of, session_of
from apps.services.applying.made import ANSWERS, FORM, PDF, PNG
from kouan.apps.evidence import records
from kouan.apps.evidence.domain import Change
from kouan.apps.services import receipts
from kouan.apps.services.applying import correcting, drafts, errors, sending, uploads
from kouan.apps.services.applying.fields import page_names
from kouan.apps.services.catalogue.errors import ServiceWithdrawn
from kouan.apps.services.models import Application, ApplicationFile, ServiceVersion
from kouan.core.errors import KouanError
from kouan.core.exchange.models import OutboxMessage

# Drafts


def test_a_draft_is_half_filled_from_the_sign_in_and_from_evidence(begun):
    draft = drafts.opened(begun())
    assert draft.answers == {"about": {"name": "CHAN Siu Ming", "born": "1990-02-03"}}


def test_a_draft_is_kept_sealed(filled):
    row = filled()
    row.refresh_from_db()
    kept = b"".join(bytes(getattr(row, name)) for name in ("answers", "picks", "email"))
    assert b"CHAN" not in kept
    assert b"AB1234" not in kept
    assert row.key.bytes not in kept


def test_a_second_beginning_goes_on_with_the_same_draft(begun, chan):
    row = begun()
    again = drafts.begin(
        person=chan.person, side="gd", service="northbound-permit", language="en", attributes={}
    )
    assert again.pk == row.pk


def test_nobody_else_opens_it(begun, lee):
    row = begun()
    with pytest.raises(errors.UnknownApplication):
        drafts.mine(row.key, lee.person)
    with pytest.raises(errors.UnknownApplication):
        drafts.change(key=row.key, person=lee.person, seen=drafts.opened(row).seen, answers={})


def test_what_another_device_has_changed_is_not_overwritten(begun, chan):
    row = begun()
    seen = drafts.opened(row).seen
    drafts.change(key=row.key, person=chan.person, seen=seen, answers={"vehicle": True})
    with pytest.raises(errors.Stale):
        drafts.change(key=row.key, person=chan.person, seen=seen, answers={"vehicle": False})
    assert drafts.opened(drafts.mine(row.key, chan.person)).answers["vehicle"] is True


@pytest.mark.parametrize(
    ("side", "changes", "error"),
    [
        ("hk", {}, errors.ApplyAtHome),
        ("gd", {"homes": ["mo"]}, errors.NotForYou),
        ("gd", {"level": 4}, errors.SignInTooLow),
    ],
)
def test_who_may_not_apply_does_not_begin(gd, chan, side, changes, error):
    gd.publish(**changes)
    with pytest.raises(error):
        drafts.begin(person=chan.person, side=side, service="northbound-permit", language="en", attributes={})


def test_a_new_version_takes_the_draft_over_with_what_it_still_asks(filled, gd, chan):
    row = filled()
    form = FORM | {"properties": {name: FORM["properties"][name] for name in ("about", "vehicle")}}
    gd.publish(version=2, form=form | {"required": ["about", "vehicle"], "then": {"required": ["about"]}})
    draft = drafts.opened(drafts.mine(row.key, chan.person))
    assert (draft.carried, draft.row.version) == (True, 2)
    assert draft.answers == {"about": ANSWERS["about"], "vehicle": True}
    assert [each.kind for each in row.events.all()] == ["begun", "carried-over"]
    assert not drafts.opened(drafts.mine(row.key, chan.person)).carried


def test_a_new_version_at_the_last_moment_is_looked_at_before_it_goes(filled, gd, send):
    row = filled()
    row.refresh_from_db()
    seen = drafts.opened(row).seen
    gd.publish(version=2)
    with pytest.raises(errors.NewVersion):
        send(row, seen=seen)
    assert not OutboxMessage.objects.exists()
    assert send(row).version == 2


def test_a_withdrawn_service_keeps_the_answers_and_takes_no_application(filled, chan, send):
    row = filled()
    ServiceVersion.objects.update(state="withdrawn", ended_at=timezone.now())
    draft = drafts.opened(drafts.mine(row.key, chan.person))
    assert (draft.withdrawn, draft.answers) == (True, ANSWERS)
    assert not correcting.may_edit(draft, "answers.about")
    with pytest.raises(ServiceWithdrawn):
        send(row)
    assert not OutboxMessage.objects.exists()


def test_the_pages_come_in_the_order_of_the_form(begun):
    draft = drafts.opened(begun())
    answers = {"vehicle": True}
    names = page_names(draft.definition.form, answers)
    assert names == ["about", "vehicle", "plate", "drivers", "photo"]


# Files


def attach(row, chan, data, *, place="answers.photo", name="me.png"):
    draft = drafts.opened(drafts.mine(row.key, chan.person))

    def also(locked):
        kind = uploads.kind_of(data)
        uploads.keep(locked, place=place, name=name, media_type=kind, data=data)

    drafts.change(key=row.key, person=chan.person, seen=draft.seen, also=also)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (PDF, "application/pdf"),
        (b"\xff\xd8\xff\xe0" + bytes(30) + b"\xff\xd9", "image/jpeg"),
        (b"%PDF-1.7 but nothing more", ""),
        (b"<html>%PDF-", ""),
        (b"MZ\x90", ""),
        (b"", ""),
    ],
)
def test_a_file_is_what_its_bytes_say(data, kind):
    assert uploads.kind_of(data) == kind


@pytest.mark.parametrize(
    ("name", "sound"),
    [
        ("報告.pdf", "報告.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a\u202egnp.exe", "a_gnp.exe"),
        ("", "file"),
        ("x" * 300 + ".pdf", "x" * 110 + ".pdf"),
    ],
)
def test_a_files_name_misleads_nobody(name, sound):
    assert uploads.sound_name(name) == sound


def test_a_file_is_kept_sealed_and_no_more_than_ten(begun, chan):
    row = begun()
    attach(row, chan, PNG)
    (kept,) = ApplicationFile.objects.all()
    assert b"IEND" not in bytes(kept.content)
    assert uploads.content_of(kept) == PNG
    for _number in range(9):
        attach(row, chan, PNG)
    with pytest.raises(errors.TooManyFiles):
        attach(row, chan, PNG)


def test_the_files_of_all_of_a_persons_drafts_have_one_limit(begun, chan, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_KEPT", 2 * len(PNG))
    row = begun()
    attach(row, chan, PNG)
    attach(row, chan, PNG)
    with pytest.raises(errors.TooMuchKept):
        attach(row, chan, PNG)
    assert row.files.count() == 2
    Application.objects.filter(pk=row.pk).update(state="sent")
    uploads.keep(row, place="answers.photo", name="a.png", media_type="image/png", data=PNG)


# Sending


def test_what_was_answered_and_ticked_goes_over_and_nothing_else(filled, send, gd, chan, held):
    row = filled()
    done = send(row, email="chan@example.com")
    (kind, said), *more = gd.hear()
    assert (kind, more) == ("services.application", [])
    assert json.loads(said["answers"]) == ANSWERS
    assert set(said["kinds"]) == {"person.name", "person.birthdate", "person.vehicle"}
    (shown,) = said["evidence"]
    assert (shown["requirement"], shown["type"]) == ("identity", "hk.identity")
    assert "name_zh" not in _disclosed(shown["text"])
    assert {"name", "birthdate"} <= _disclosed(shown["text"])
    assert chan.person.key not in repr(said)
    assert "chan@example.com" not in repr(said)
    assert (done.state, done.message_id is not None, len(done.subject)) == ("sent", True, 43)


def _disclosed(text):
    import base64  # noqa: PLC0415 - for this alone

    parts = text.split("~")[1:-1]
    return {json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))[1] for part in parts}


def test_the_receipt_says_what_was_agreed_to(sent):
    row = sent()
    said = receipts.read(bytes(row.receipt), side="hk", at=timezone.now())
    assert said == receipts.content(bytes(row.receipt))
    assert (said["application"], said["service"]) == (str(row.key), "northbound-permit")
    assert (said["digest"], said["subject"]) == (bytes(row.digest).hex(), row.subject)
    assert said["kinds"] == ["person.birthdate", "person.name", "person.vehicle"]
    assert "CHAN Siu" not in repr(said)
    receipt = bytes(row.receipt)
    with pytest.raises(receipts.BadReceipt):
        receipts.read(receipt[:-1] + bytes([receipt[-1] ^ 1]), side="hk", at=timezone.now())


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"agreed": False}, errors.ConsentNeeded),
        ({"email": "nobody"}, errors.BadEmail),
        ({"seen": "1"}, errors.Stale),
    ],
)
def test_nothing_goes_without_consent_or_unseen(filled, send, changes, error):
    row = filled()
    with pytest.raises(error):
        send(row, **changes)
    assert not OutboxMessage.objects.exists()
    row.refresh_from_db()
    assert (row.state, row.consented_at) == ("draft", None)


def test_nothing_goes_that_is_not_ready(begun, send, chan):
    row = begun()
    places = {(each.what, each.place) for each in sending.missing(drafts.opened(row), chan.person)}
    assert places == {("answers", "vehicle"), ("evidence", "identity")}
    with pytest.raises(errors.NotReady):
        send(row)


def test_the_same_submission_twice_sends_once(filled, send, gd):
    row = filled()
    seen = drafts.opened(drafts.Application.objects.get(pk=row.pk)).seen
    first = send(row, seen=seen)
    second = send(row, seen=seen)
    assert first.message_id == second.message_id
    assert len(gd.hear()) == 1


def test_evidence_that_is_revoked_meanwhile_stops_it_whole(filled, send, held, monkeypatch):
    row = filled()
    true = sending.attached

    def meanwhile(*args):
        """All was there when it was looked at; while the files are sealed, the department revokes."""
        records.change(record=held, change=Change.REVOKED, by="tests", departments=None)
        return true(*args)

    monkeypatch.setattr(sending, "attached", meanwhile)
    with pytest.raises(KouanError) as error:
        send(row)
    assert error.value.code == "evidence-offer-gone"
    row.refresh_from_db()
    assert (row.state, row.consented_at) == ("draft", None)
    assert not OutboxMessage.objects.filter(type="services.application").exists()


def test_a_sign_in_that_is_too_low_is_said_before(filled, chan):
    draft = drafts.opened(drafts.mine(filled().key, chan.person))
    low = replace(chan.person, level=1)
    assert "sign-in" in {each.what for each in sending.missing(draft, low)}


def test_files_go_over_with_the_places_that_they_answer(filled, send, chan, gd):
    import hashlib  # noqa: PLC0415 - for this alone

    row = filled()
    attach(row, chan, PNG)
    attach(row, chan, PDF, place="needs.identity", name="id.pdf")
    draft = drafts.opened(drafts.mine(row.key, chan.person))
    drafts.change(
        key=row.key, person=chan.person, seen=draft.seen,
        answers={**ANSWERS, "photo": hashlib.sha256(PNG).hexdigest()}, picks={"identity": {"upload": True}},
    )  # fmt: skip
    send(row)
    ((_kind, said),) = gd.hear()
    assert [(each["place"], each["name"], each["file"]["media_type"]) for each in said["attachments"]] == [
        ("answers.photo", "me.png", "image/png"),
        ("needs.identity", "id.pdf", "application/pdf"),
    ]
    assert said["attachments"][0]["file"]["sha256"].hex() == json.loads(said["answers"])["photo"]
    assert said["evidence"] == []
    assert "person.file" in said["kinds"]


def test_two_submissions_at_once_make_one_application(filled, chan, gd, monkeypatch):
    row = filled()
    row.refresh_from_db()
    seen, true, inner = drafts.opened(row).seen, sending.attached, []

    def slowly(*args):
        """While one submission seals its files, the other goes the whole way."""
        if not inner:
            inner.append(None)
            inner[0] = sending.submit(key=row.key, person=chan.person, seen=seen, agreed=True, email="")
        return true(*args)

    monkeypatch.setattr(sending, "attached", slowly)
    outer = sending.submit(key=row.key, person=chan.person, seen=seen, agreed=True, email="")
    assert outer.message_id == inner[0].message_id
    assert len(gd.hear()) == 1


def test_an_application_waits_a_day_for_the_other_side_and_is_not_too_old_then(sent, gd):
    row = sent()
    before = timezone.now() - timedelta(days=1)
    Application.objects.filter(pk=row.pk).update(sent_at=before, consented_at=before)
    message = OutboxMessage.objects.get(message_id=row.message_id)
    OutboxMessage.objects.filter(pk=message.pk).update(
        created_at=before, expires_at=message.expires_at - timedelta(days=1)
    )
    ((kind, said),) = gd.hear()
    assert (kind, said["application"]) == ("services.application", row.key.bytes)


class Killed(BaseException):
    """As if the process ended here."""


@pytest.mark.parametrize("where", ["receipts.sign", "outbox.send"])
def test_who_is_killed_while_sending_has_sent_all_or_nothing(filled, send, gd, monkeypatch, where):
    row = filled()
    module, _dot, name = where.partition(".")
    true = getattr(getattr(sending, module), name)

    def killed(*args, **kwargs):
        true(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(getattr(sending, module), name, killed)
        with pytest.raises(Killed):
            send(row)
    row.refresh_from_db()
    assert (row.state, bytes(row.receipt), row.consented_at) == ("draft", b"", None)
    assert gd.hear() == []
    assert send(row).state == "sent"
    assert len(gd.hear()) == 1


def test_what_came_to_nothing_is_begun_again_with_its_answers(sent, chan):
    row = sent()
    Application.objects.filter(pk=row.pk).update(state="not-taken")
    new = drafts.again(key=row.key, person=chan.person, language="en")
    assert new.pk != row.pk
    assert drafts.opened(drafts.mine(new.key, chan.person)).answers == ANSWERS


def test_the_same_person_in_another_sign_in_goes_on(begun):
    row = begun()
    assert drafts.mine(row.key, person_of(session_of())).pk == row.pk
