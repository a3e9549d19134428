"""The pages of applicants, through Django's own client: the way from the first page to the result."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from apps.services.applying.conftest import browser_of, session_of
from apps.services.applying.made import ANSWERS, FORM, PDF, PNG, text
from kouan.apps.identity.domain import Level
from kouan.apps.services.applying import cosigning, drafts, sending
from kouan.apps.services.models import Application, ServiceVersion
from kouan.web import persons, readings
from kouan.web.readings import Reading


def seen_in(response):
    return re.search(r'name="seen" value="(\d+)"', response.text)[1]


def hidden_in(response):
    return dict(re.findall(r'type="hidden" name="(seen|version-[^"]+)" value="([^"]+)"', response.text))


def page(browser, name, *args, status=200, **query):
    response = browser.get(reverse(f"services:{name}", args=args), query)
    assert response.status_code == status, response.text[:2000]
    return response


def post(browser, name, /, *args, query="", **values):
    url = reverse(f"services:{name}", args=args)
    hidden = {} if "seen" in values else hidden_in(browser.get(url))
    return browser.post(url + query, hidden | values)


BORN = {"about.born-day": "3", "about.born-month": "2", "about.born-year": "1990"}


def test_the_whole_way_without_javascript(gd, chan, held):
    gd.publish()
    begin = page(chan.browser, "apply", "gd", "northbound-permit")
    assert "Begin" in begin.text
    started = chan.browser.post(reverse("services:apply", args=["gd", "northbound-permit"]))
    row = Application.objects.get()
    assert started.url == reverse("services:application", args=[row.key])
    assert "To do" in page(chan.browser, "application", row.key).text
    first = page(chan.browser, "answer", row.key, "about")
    assert 'value="CHAN Siu Ming"' in first.text
    assert "Filled in from your sign-in" in first.text
    done = post(chan.browser, "answer", row.key, "about", **{"about.name": "CHAN Siu Ming"}, **BORN)
    assert done.url.endswith("answers/vehicle")
    done = post(chan.browser, "answer", row.key, "vehicle", vehicle="yes")
    assert done.url.endswith("answers/plate")
    wrong = post(chan.browser, "answer", row.key, "plate", plate="nonsense")
    assert wrong.status_code == 422
    assert 'href="#q-plate"' in wrong.text
    assert 'value="nonsense"' in wrong.text
    post(chan.browser, "answer", row.key, "plate", plate="AB1234")
    evidence = page(chan.browser, "evidence", row.key, "identity")
    assert evidence.text.count(" checked") == 3  # the choice, and the two claims that are needed
    offer = str(held.key)
    done = post(
        chan.browser, "evidence", row.key, "identity",
        choice=offer, **{f"claims-{offer}": ["name", "birthdate"]},
    )  # fmt: skip
    assert done.url.endswith("/check")
    check = page(chan.browser, "check", row.key)
    for shown in ("AB1234", "3 February 1990", "CHAN Siu Ming", "Department of Transport"):
        assert shown in check.text
    refused = post(chan.browser, "check", row.key)
    assert refused.status_code == 422
    assert 'href="#agree"' in refused.text
    sent = post(chan.browser, "check", row.key, agree="yes", email="")
    assert sent.url == reverse("services:application", args=[row.key])
    assert "on its way" in page(chan.browser, "application", row.key).text
    ((kind, _said),) = gd.hear()
    assert kind == "services.application"


def test_what_may_be_left_out_is_not_shown_unless_the_person_says_so(gd, chan, held):
    needs = [
        {
            "requirement": "identity", "title": text("Proof of identity"), "why": text("Only if it helps."),
            "claims": ["name", "birthdate", "name_zh"], "needed": False,
        }
    ]  # fmt: skip
    gd.publish(needs=needs, acts_for=["self"])
    chan.browser.post(reverse("services:apply", args=["gd", "northbound-permit"]))
    row = Application.objects.get()
    shown = page(chan.browser, "evidence", row.key, "identity").text
    assert re.findall(r'name="choice"[^>]*value="([^"]+)"[^>]* checked', shown) == ["nothing"]
    offer = str(held.key)
    post(
        chan.browser, "evidence", row.key, "identity", choice=offer, **{f"claims-{offer}": needs[0]["claims"]}
    )
    again = page(chan.browser, "evidence", row.key, "identity").text
    assert re.findall(r'name="choice"[^>]*value="([^"]+)"[^>]* checked', again) == [offer]


def test_the_way_says_when_each_station_was_reached(sent, gd, chan):
    row = sent()
    at = int(timezone.now().timestamp())
    gd.move(row, "received", "received", at=at - 7200)
    gd.move(row, "read", "received", at=at - 3600)
    gd.move(row, "take-up", "in-review", at=at)
    way = page(chan.browser, "application", row.key).text.partition("What has happened")[0]
    first, read = (
        timezone.localtime(datetime.fromtimestamp(when, UTC)).strftime("%H:%M:%S")
        for when in (at - 7200, at - 3600)
    )
    assert first in way
    assert read not in way


def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(gd, client):
    gd.publish()
    begin = page(client, "apply", "gd", "northbound-permit")
    assert "Sign in to begin" in begin.text
    posted = client.post(reverse("services:apply", args=["gd", "northbound-permit"]))
    assert posted.status_code == 403
    assert "level=2" in posted.content.decode()
    assert "next=" in client.get(reverse("services:mine")).url


def test_who_signed_in_weakly_is_asked_for_more(gd, node):
    gd.publish(level=3)
    weak = browser_of(session_of("weak", level=Level.LOW))
    assert "surer sign-in" in page(weak, "apply", "gd", "northbound-permit").text


@pytest.mark.parametrize(
    "name", ["application", "check", "cosigners", "copy", "discard", "readers-of", "result", "receipt", "for"]
)
def test_nobody_sees_anothers(filled, lee, name):
    row = filled()
    assert page(lee.browser, name, row.key, status=404)


def test_an_unknown_service_or_one_of_this_side_is_no_page(gd, chan):
    assert page(chan.browser, "apply", "gd", "nothing", status=404)
    assert page(chan.browser, "apply", "hk", "nothing", status=404)


def test_two_windows_are_both_shown_and_nothing_is_lost(filled, chan):
    row = filled()
    first = seen_in(page(chan.browser, "answer", row.key, "plate"))
    post(chan.browser, "answer", row.key, "plate", plate="XY1", seen=first)
    late = post(chan.browser, "answer", row.key, "plate", plate="ZZ9", seen=first)
    assert late.status_code == 409
    assert "&lt;p" not in late.text
    assert "ZZ9" in late.text
    assert 'value="XY1"' in late.text
    assert drafts.opened(Application.objects.get()).answers["plate"] == "XY1"


def test_an_item_is_added_filled_and_taken_out(filled, chan):
    row = filled()
    once = post(chan.browser, "answer", row.key, "drivers", **{"drivers-count": "0", "add": "drivers"})
    assert (once.status_code, 'name="drivers.0.name"' in once.text) == (200, True)
    assert "There is a problem" not in once.text
    values = {"drivers-count": "1", "drivers.0.name": "LEE", "add": "drivers"}
    twice = post(chan.browser, "answer", row.key, "drivers", **values)
    assert 'name="drivers.1.name"' in twice.text
    empty = post(
        chan.browser, "answer", row.key, "drivers",
        **{"drivers-count": "2", "drivers.0.name": "LEE", "drivers.1.name": "", "do": "next"},
    )  # fmt: skip
    assert 'href="#q-drivers-1-name"' in empty.text
    post(
        chan.browser, "answer", row.key, "drivers",
        **{"drivers-count": "2", "drivers.0.name": "LEE", "drivers.1.name": "", "remove": "drivers.1"},
    )  # fmt: skip
    assert drafts.opened(Application.objects.get()).answers["drivers"] == [{"name": "LEE"}]


@pytest.mark.parametrize(
    "button",
    [
        {"remove": "drivers.²"},
        {"remove": "drivers." + "9" * 5000},
        {"remove": "drivers"},
        {"add": "drivers" + ".0" + ".a" * 5000},
    ],
    ids=["no figure", "a long number", "no number", "deep"],
)
def test_a_button_that_no_page_has_changes_nothing(filled, chan, button):
    row = filled()
    values = {"drivers-count": "1", "drivers.0.name": "LEE"} | button
    assert post(chan.browser, "answer", row.key, "drivers", **values).status_code == 200
    assert drafts.opened(Application.objects.get()).answers["drivers"] == [{"name": "LEE"}]


@pytest.mark.parametrize("typed", ["1e999", "nan", "-1e999", str(10**20), "9" * 400, "9007199254740992"])
def test_a_number_that_no_answer_can_hold_is_wrong_and_can_be_kept_for_later(begun, chan, typed):
    form = FORM | {
        "properties": FORM["properties"]
        | {"weight": {"type": "number", "x-title": text("Weight"), "x-element": "person.vehicle"}}
    }
    row = begun(form=form)
    wrong = post(chan.browser, "answer", row.key, "weight", weight=typed)
    assert (wrong.status_code, 'href="#q-weight"' in wrong.text) == (422, True)
    post(chan.browser, "answer", row.key, "weight", weight=typed, do="later")
    assert page(chan.browser, "check", row.key).status_code == 200
    post(chan.browser, "answer", row.key, "weight", weight="9007199254740991")
    assert drafts.opened(Application.objects.get()).answers["weight"] == 2**53 - 1


def test_an_answer_that_raises_no_more_takes_the_follow_up_with_it(filled, chan):
    row = filled()
    done = post(chan.browser, "answer", row.key, "vehicle", vehicle="no")
    assert done.url.endswith("answers/drivers")
    assert "plate" not in drafts.opened(Application.objects.get()).answers
    away = chan.browser.get(reverse("services:answer", args=[row.key, "plate"]))
    assert away.url == reverse("services:application", args=[row.key])


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"<html>no</html>", "me.png", "is not a file of the kind"),
        (PDF, "me.png", "is not a file of the kind"),
        (b"", "me.png", "is empty"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_not_kept(filled, chan, data, name, words):
    row = filled()
    file = SimpleUploadedFile(name, data, "image/png")
    response = post(chan.browser, "answer", row.key, "photo", photo=file)
    if data:
        assert response.status_code == 422
        assert words in response.text
    assert not row.files.exists()


def test_a_file_is_kept_shown_replaced_and_handed_back(filled, chan):
    row = filled()
    post(chan.browser, "answer", row.key, "photo", photo=SimpleUploadedFile("me.png", PNG, "image/png"))
    assert drafts.opened(Application.objects.get()).answers["photo"] == hashlib.sha256(PNG).hexdigest()
    assert "me.png" in page(chan.browser, "answer", row.key, "photo").text
    other = PNG[:20] + b"\x01" + PNG[20:]
    post(chan.browser, "answer", row.key, "photo", photo=SimpleUploadedFile("new.png", other, "image/png"))
    (kept,) = row.files.all()
    back = page(chan.browser, "file", row.key, kept.key)
    assert (back.content, back["X-Content-Type-Options"]) == (other, "nosniff")
    assert 'attachment; filename="new.png"' in back["Content-Disposition"]


def test_a_body_that_is_too_large_is_refused_unread(filled, chan):
    url = reverse("services:answer", args=[filled().key, "photo"])
    response = chan.browser.generic(
        "POST", url, b"x", content_type="multipart/form-data; boundary=b", CONTENT_LENGTH=str(64 << 20)
    )
    assert response.status_code == 413


def test_less_than_the_department_must_see_is_not_taken(filled, chan, held):
    row, offer = filled(), str(held.key)
    less = post(chan.browser, "evidence", row.key, "identity", choice=offer, **{f"claims-{offer}": ["name"]})
    assert less.status_code == 422
    assert "must see all" in less.text
    nothing = post(chan.browser, "evidence", row.key, "identity")
    assert nothing.status_code == 422
    assert post(chan.browser, "evidence", row.key, "identity", choice="nothing").status_code == 422


def test_a_file_does_instead_of_evidence(filled, chan):
    row = filled()
    file = SimpleUploadedFile("id.pdf", PDF, "application/pdf")
    done = post(chan.browser, "evidence", row.key, "identity", choice="upload", file=file)
    assert done.status_code == 302
    assert drafts.opened(Application.objects.get()).picks == {"identity": {"upload": True}}
    assert "id.pdf" in page(chan.browser, "check", row.key).text


def test_parts_of_a_date_are_called_as_such(filled, chan):
    url = reverse("services:answer", args=[filled().key, "about"])
    shown = chan.browser.get(url, headers={"accept-language": "zh-hant"}).text
    assert re.findall(r'date-input__label"[^>]*>\s*(\S+)\s*</label>', shown) == ["日", "月", "年"]


def test_a_file_that_was_chosen_is_not_put_away_silently(filled, chan, held):
    row, offer = filled(), str(held.key)
    file = SimpleUploadedFile("id.pdf", PDF, "application/pdf")
    claims = {f"claims-{offer}": ["name", "birthdate"]}
    asked = post(chan.browser, "evidence", row.key, "identity", choice=offer, file=file, **claims)
    assert asked.status_code == 422
    assert "something else is marked" in asked.text


def test_the_copy_is_a_pdf_of_its_own_and_the_same_each_time(filled, chan):
    row = filled()
    first, second = (page(chan.browser, "copy", row.key) for _each in range(2))
    assert first.content == second.content
    assert first.content.startswith(b"%PDF-")
    post(chan.browser, "answer", row.key, "plate", plate="XY1")
    assert page(chan.browser, "copy", row.key).content != first.content


def test_a_withdrawn_service_is_said_and_takes_nothing(filled, chan):
    row = filled()
    ServiceVersion.objects.update(state="withdrawn", ended_at=timezone.now())
    assert "no longer offers" in page(chan.browser, "application", row.key).text
    check = page(chan.browser, "check", row.key)
    assert "AB1234" in check.text
    assert "Agree and send" not in check.text
    assert page(chan.browser, "answer", row.key, "plate", status=410)
    assert page(chan.browser, "copy", row.key)


def test_a_draft_is_put_away(filled, chan):
    row = filled()
    page(chan.browser, "discard", row.key)
    chan.browser.post(reverse("services:discard", args=[row.key]))
    assert not Application.objects.exists()


def test_a_sent_application_is_followed_to_its_result(sent, gd, chan):
    row = sent()
    gd.hear()
    gd.move(row, "received", "received", due_on="2026-12-24")
    gd.move(
        row,
        "ask-payment",
        "payment",
        pay_at="https://gd.example/pay/1/",
        words="HKD 100",
        due_on="2026-12-01",
    )
    shown = page(chan.browser, "application", row.key).text
    assert "https://gd.example/pay/1/" in shown
    assert "1 December 2026" in shown
    gd.grant(row, PDF)
    assert "News" in page(chan.browser, "mine").text
    shown = page(chan.browser, "application", row.key).text
    assert "Drive carefully." in shown
    assert page(chan.browser, "result", row.key).content == PDF
    assert page(chan.browser, "credential", row.key).content == b"ey.ey.sig~"
    assert "News" not in page(chan.browser, "mine").text
    assert page(chan.browser, "receipt", row.key)["Content-Type"] == "application/cose"


def test_the_applicant_corrects_what_was_asked(sent, gd, chan):
    row = sent()
    gd.move(
        row, "ask-correction", "correction", ask=["answers.plate"], words="Not yours.", due_on="2026-12-01"
    )
    assert "Not yours." in page(chan.browser, "application", row.key).text
    assert "Number plate" in page(chan.browser, "correct", row.key).text
    done = post(chan.browser, "answer", row.key, "plate", plate="XY1")
    assert done.url == reverse("services:correct", args=[row.key])
    assert post(chan.browser, "correct", row.key).status_code == 422
    assert post(chan.browser, "correct", row.key, agree="yes").status_code == 302
    assert page(chan.browser, "answer", row.key, "about", status=409)


@pytest.mark.parametrize("action", ["message", "withdraw"])
def test_the_applicant_writes_and_takes_it_back(sent, gd, chan, action):
    row = sent()
    gd.move(row, "received", "received")
    gd.hear()
    page(chan.browser, "act", row.key, action)
    assert post(chan.browser, "act", row.key, action, words="Please").status_code == 302
    ((_kind, said),) = gd.hear()
    assert (said["action"], said["words"]) == (action, "Please")
    assert page(chan.browser, "act", row.key, "appeal", status=409)


def test_who_has_read_it_is_shown_with_proofs(sent, gd, chan):
    row = sent()
    gd.hear()
    gd.move(row, "read", "in-review")
    for shown in (page(chan.browser, "readers"), page(chan.browser, "readers-of", row.key)):
        assert "Department of Transport" in shown.text
        assert str(row.message_id) in shown.text or "not yet" in shown.text


def test_a_form_of_somebody_signed_out_is_answered_on_this_origin(filled, client):
    row = filled()
    form = reverse("services:check", args=[row.key])
    asked = client.get(form)
    assert (asked.status_code, asked.headers["Location"].split("?")[0]) == (302, reverse("identity:enter"))
    sent = client.post(
        reverse("services:act", args=[row.key, "withdraw"]),
        {"agree": "yes"},
        headers={"referer": f"http://testserver{form}"},
    )
    text = sent.content.decode()
    assert sent.status_code == 403
    assert "You are no longer signed in" in text
    assert f"next={quote(form, safe='')}" in text
    elsewhere = client.post(form, headers={"referer": "https://elsewhere.example/away"})
    assert "away" not in elsewhere.content.decode()


def test_what_nobody_has_read_is_said_to_be_unread(sent, gd, chan):
    row = sent()
    assert "Nobody has read it yet" in page(chan.browser, "readers-of", row.key).text
    gd.move(row, "read", "in-review")
    assert "Nobody has read it yet" not in page(chan.browser, "readers-of", row.key).text


def test_other_apps_find_an_application_by_its_key_for_its_owner_alone(sent, chan, lee):
    row = sent()
    found = persons.matter(chan.person, str(row.key))
    assert found.href == reverse("services:application", args=[row.key])
    assert persons.matter(lee.person, str(row.key)) is None
    assert persons.matter(chan.person, "gd-permit") is None


def test_readings_of_all_apps_stand_on_one_page(sent, gd, chan, monkeypatch):
    row = sent()
    gd.move(row, "read", "in-review")
    at = timezone.now() + timedelta(hours=1)
    bank = Reading(at, "Harbour Bank", "gd", "Read it for a loan", "Address", "/my-data/")
    assert {"services", "dataflow", "identity"} <= set(readings._finds)
    monkeypatch.setitem(readings._finds, "another", lambda person: [bank] * (person.key == chan.person.key))
    text = page(chan.browser, "readers").text
    assert text.index("Harbour Bank") < text.index("Read the application")
    assert 'href="/my-data/"' in text


def test_a_cosigner_sees_it_and_signs(filled, chan, lee):
    row = filled(cosigners={"least": 1, "most": 1})
    done = post(chan.browser, "cosigners", row.key, name="LEE Ka Yan", number="B765432A")
    assert done.status_code == 302
    asked = row.cosignatures.get()
    assert reverse("services:cosign", args=[asked.key]) in page(chan.browser, "cosigners", row.key).text
    assert page(chan.browser, "cosign", asked.key, status=403)
    shown = page(lee.browser, "cosign", asked.key)
    assert "AB1234" in shown.text
    digest = re.search(r'name="digest" value="(\w+)"', shown.text)[1]
    url = reverse("services:cosign", args=[asked.key])
    assert lee.browser.post(url, {"digest": digest, "answer": "sign"}).status_code == 422
    assert "You have signed" in lee.browser.post(
        url, {"digest": digest, "answer": "sign", "agree": "yes"}
    ).text  # fmt: skip
    draft = drafts.opened(Application.objects.get())
    assert sending.missing(draft, chan.person) == []
    cosigning.take_back(key=row.key, person=chan.person, cosigner=asked.key)
    assert page(lee.browser, "cosign", asked.key, status=404)


@pytest.mark.parametrize("language", ["zh-hant", "zh-hans"])
def test_every_page_is_there_in_chinese(sent, filled, gd, chan, language):
    chan.browser.post(reverse("web:set-language"), {"language": language, "next": "/"})
    row = sent()
    gd.move(row, "received", "received")
    for name in ("mine", "readers"):
        page(chan.browser, name)
    for name in ("application", "readers-of"):
        assert (
            "問：" in page(chan.browser, name, row.key).text
            or "问：" in page(chan.browser, name, row.key).text
        )
    assert ANSWERS["plate"].encode() not in page(chan.browser, "mine").content
