"""Applying for a service of the other side, from the first page to the result, with a browser."""

from __future__ import annotations

import re
import uuid

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore

from apps.services.applying.conftest import (  # noqa: F401 - fixtures
    begun,
    chan,
    filled,
    gd,
    held,
    lee,
    node,
    send,
    sent,
    stores,
)
from apps.services.applying.made import PDF, PNG
from browser.keyboard import Keyboard
from kouan.apps.evidence.models import Showing
from kouan.apps.services.applying import cosigning, drafts
from kouan.apps.services.models import Application

VALUES = "boxes => boxes.map(box => box.value)"
NOT_VEHICLE = re.compile(r"(?<!/vehicle)$")
NOT_IDENTITY = re.compile(r"(?<!/evidence/identity)$")


LONGEST_NUMBER = "GUANGDONGSHENGAA-2026-123456789012"
"""Of a case, as long as it may cross."""


def as_resident(visitor, who):
    """Have the visitor's browser be that of a resident who has signed in."""
    store = SessionStore()
    store["identity_home"] = str(who.session.key)
    store.save()
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": store.session_key, "url": visitor.portal}
    visitor.page.context.clear_cookies()
    visitor.page.context.add_cookies([cookie])
    return visitor.page


@pytest.mark.usefixtures("transactional_db", "held")
def test_a_whole_application(visit, gd, chan, language):  # noqa: F811, PLR0915 - the fixtures; one way
    gd.publish(cosigners={"least": 0, "most": 2})
    visitor = visit(language=language)
    page = as_resident(visitor, chan)

    def go_on(value="next"):
        page.locator(f"main form button[name=do][value={value}]").last.click()

    visitor.open("/applications/")
    visitor.check("apply-none")
    visitor.open("/apply/gd/northbound-permit/")
    visitor.check("apply-begin")
    page.locator("main form button").click()
    page.wait_for_url("**/applications/*/")
    visitor.check("apply-tasks")
    key = Application.objects.get().key
    at = f"/applications/{key}/"
    visitor.open(at + "for")
    visitor.check("apply-for")
    visitor.open(at + "answers/about")
    page.locator("[name='about.born-year']").fill("19")
    page.locator("[name='about.email']").fill("nobody")
    go_on()
    page.wait_for_selector(".govuk-error-summary")
    visitor.check("apply-errors")
    page.locator(".govuk-error-summary a").first.click()
    assert page.evaluate("document.activeElement.name").startswith("about.")
    page.locator("[name='about.born-year']").fill("1990")
    page.locator("[name='about.email']").fill("chan@example.com")
    page.keyboard.press("Enter")  # goes on, and takes no item out
    page.wait_for_url("**/answers/vehicle")
    visitor.check("apply-yes-no")
    page.locator("[name=vehicle][value=yes]").check()
    go_on()
    page.wait_for_url("**/answers/plate")
    page.locator("[name=plate]").fill("AB1234")
    go_on()
    page.wait_for_url("**/answers/drivers")
    page.locator("main button[name=add]").click()
    page.locator("[name='drivers.0.name']").fill("LEE Ka Yan")
    page.locator("main button[name=add]").click()
    page.wait_for_selector("[name='drivers.1.name']")
    visitor.check("apply-list")
    page.locator("main button[name=remove]").last.click()
    page.wait_for_selector("[name='drivers.1.name']", state="detached")
    go_on()
    page.wait_for_url("**/answers/photo")
    page.locator("[name=photo]").set_input_files({"name": "me.png", "mimeType": "image/png", "buffer": PNG})
    go_on()
    page.wait_for_url("**/evidence/identity")
    visitor.check("apply-evidence")
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_url("**/check")
    visitor.check("apply-check")
    visitor.open(at + "cosigners")
    page.locator("[name=name]").fill("LEE Ka Yan")
    page.locator("[name=number]").fill("B765432A")
    page.locator("main form button").last.click()
    page.wait_for_selector(".apply-cosigner")
    visitor.check("apply-cosigners")
    page.locator(".apply-cosigner button.govuk-button--secondary").last.click()
    page.wait_for_selector(".apply-cosigner", state="detached")
    visitor.open(at + "check")
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_selector(".govuk-error-summary")
    visitor.check("apply-check-errors")
    page.locator("#agree").check()
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_selector(".apply-story")
    visitor.check("apply-sent")
    row, gd.reference = Application.objects.get(), LONGEST_NUMBER
    gd.hear()
    words = "The plate is not in the register. Look at your licence."
    gd.move(row, "received", "received", due_on="2026-12-24")
    gd.move(row, "read", "received")
    gd.move(row, "ask-correction", "correction", ask=["answers.plate"], words=words, due_on="2026-12-01")
    visitor.open("/applications/")
    visitor.check("apply-mine")
    visitor.open(at)
    visitor.check("apply-correction-asked")
    visitor.open(at + "correct")
    visitor.check("apply-correct")
    visitor.open(at + "act/message")
    visitor.check("apply-message")
    gd.move(row, "ask-payment", "payment", pay_at="https://gd.example/pay/1/", due_on="2026-12-01")
    gd.grant(row, PDF)
    visitor.open(at)
    visitor.check("apply-granted")
    visitor.open(at + "who-has-read")
    visitor.check("apply-readers")
    visitor.open("/applications/who-has-read/")
    visitor.check("apply-readers-all")


@pytest.mark.usefixtures("transactional_db", "held")
def test_two_windows(visit, gd, chan):  # noqa: F811 - the fixtures
    gd.publish()
    row = drafts.begin(
        person=chan.person, side="gd", service="northbound-permit", language="en", attributes={}
    )
    visitor = visit(language="en", width=1280)
    page = as_resident(visitor, chan)
    visitor.open(f"/applications/{row.key}/answers/about")
    answers = {"about": {"name": "CHAN Tai Man", "born": "1990-02-03"}}
    drafts.change(key=row.key, person=chan.person, seen=drafts.opened(row).seen, answers=answers)
    page.locator("[name='about.name']").fill("CHAN Siu Ming")
    page.locator("main form button[name=do][value=next]").last.click()
    page.wait_for_selector(".apply-both")
    visitor.check("apply-stale")


@pytest.mark.usefixtures("transactional_db")
def test_a_cosigner_and_a_draft_put_away(visit, chan, lee, filled, language):  # noqa: F811 - the fixtures
    row = filled(cosigners={"least": 1, "most": 1})
    asked = cosigning.ask(key=row.key, person=chan.person, name="LEE Ka Yan", document_number="B765432A")
    visitor = visit(language=language)
    page = as_resident(visitor, chan)
    visitor.open(f"/cosign/{asked.key}/")
    visitor.check("apply-cosign-not-theirs")
    as_resident(visitor, lee)
    visitor.open(f"/cosign/{asked.key}/")
    visitor.check("apply-cosign")
    page.locator("button[value=sign]").click()
    page.wait_for_selector(".govuk-error-summary")
    visitor.check("apply-cosign-errors")
    page.locator("#agree").check()
    page.locator("button[value=sign]").click()
    page.wait_for_selector(".govuk-panel")
    visitor.check("apply-cosigned")
    visitor.open(f"/cosign/{asked.key}/")
    visitor.check("apply-cosign-again")
    page.locator("button[value=decline]").click()
    page.wait_for_selector(".govuk-panel, h1.govuk-heading-xl")
    visitor.check("apply-cosign-declined")
    as_resident(visitor, chan)
    visitor.open(f"/applications/{row.key}/cosigners")
    visitor.check("apply-cosigner-declined")
    visitor.open(f"/applications/{row.key}/discard")
    visitor.check("apply-discard")
    page.locator("main form button").click()
    page.wait_for_url("**/applications/")
    visitor.check("apply-discarded")


@pytest.mark.usefixtures("transactional_db")
def test_what_may_become_of_an_application(visit, gd, chan, sent, language):  # noqa: F811 - the fixtures
    gone, gd.reference = sent(), LONGEST_NUMBER
    visitor = visit(language=language)
    page = as_resident(visitor, chan)
    visitor.open(f"/applications/{gone.key}/")
    visitor.check("apply-on-its-way")
    gd.move(gone, "received", "received", due_on="2026-12-24")
    gd.move(gone, "read", "in-review")
    gd.move(gone, "ask-payment", "payment", pay_at="https://gd.example/pay/1/", due_on="2026-12-01")
    visitor.open(f"/applications/{gone.key}/")
    visitor.check("apply-to-pay")
    visitor.open(f"/applications/{gone.key}/act/withdraw")
    visitor.check("apply-withdraw")
    page.locator("main form button[type=submit]").click()
    page.wait_for_selector(".apply-story")
    visitor.check("apply-withdrawn")
    refused = sent(version=2)
    gd.move(refused, "received", "received")
    gd.move(refused, "refuse", "refused", words="No such vehicle.", due_on="2026-12-24")
    visitor.open(f"/applications/{refused.key}/")
    visitor.check("apply-refused")
    visitor.open(f"/applications/{refused.key}/act/appeal")
    visitor.check("apply-appeal")
    visitor.open(f"/applications/{uuid.uuid4()}/")
    visitor.check("apply-unknown")


@pytest.mark.usefixtures("transactional_db", "held")
def test_an_application_by_keyboard_alone(visit, gd, chan):  # noqa: F811 - the fixtures
    gd.publish()
    visitor = visit(width=1280)
    page = as_resident(visitor, chan)
    keys = Keyboard(page)
    go_on = "main form button[name=do][value=next]"
    visitor.open("/apply/gd/northbound-permit/")
    keys.enter("main form button", "**/applications/*/")
    row = Application.objects.get()
    visitor.open(f"/applications/{row.key}/answers/about")
    for part, number in (("day", "3"), ("month", "2"), ("year", "1990")):
        keys.fill(f"[name='about.born-{part}']", number)
    keys.enter(go_on, "**/answers/vehicle")
    keys.to("[name=vehicle]")
    keys.press("ArrowDown", "Space")
    keys.enter(go_on, NOT_VEHICLE)
    visitor.open(f"/applications/{row.key}/evidence/identity")
    # What the department must see is ticked, what it need not is not: the person changes both.
    ticked = "[name^=claims-]:checked"
    assert page.locator(ticked).evaluate_all(VALUES) == ["name", "birthdate"]
    keys.tick("[name^=claims-][value=birthdate]")
    keys.to("main form button[type=submit]")
    keys.press("Enter")
    page.wait_for_selector(".govuk-error-summary")
    keys.tick("[name^=claims-][value=birthdate]")
    keys.tick("[name^=claims-][value=name_zh]")
    keys.enter("main form button[type=submit]", NOT_IDENTITY)
    visitor.open(f"/applications/{row.key}/check")
    keys.to("main form button[type=submit]")
    keys.press("Enter")
    page.wait_for_selector(".govuk-error-summary")  # nothing goes without a consent
    assert page.evaluate("document.activeElement.className").startswith("govuk-error-summary")
    keys.to(".govuk-error-summary a")
    keys.press("Enter")
    assert page.evaluate("document.activeElement.id") == "agree"
    keys.press("Space")
    keys.to("main form button[type=submit]")
    keys.press("Enter")
    page.wait_for_selector(".apply-story")
    row.refresh_from_db()
    assert row.state == "sent"
    assert sorted(Showing.objects.get().claims) == ["birthdate", "name", "name_zh"]


@pytest.mark.usefixtures("transactional_db")
def test_an_application_without_scripts(visit, gd, chan, begun):  # noqa: F811 - the fixtures
    row = begun()
    visitor = visit(width=320, scripts=False)
    page = as_resident(visitor, chan)
    at = f"/applications/{row.key}/"
    visitor.open(at + "answers/about")
    for part, value in (("day", "3"), ("month", "2"), ("year", "1990")):
        page.locator(f"[name='about.born-{part}']").fill(value)
    page.locator("main form button[name=do][value=next]").last.click()
    page.wait_for_url("**/answers/vehicle")
    page.locator("[name=vehicle][value=no]").check()
    page.locator("main form button[name=do][value=next]").last.click()
    page.wait_for_url(lambda url: not url.endswith("/vehicle"))
    visitor.open(at + "answers/drivers")
    page.locator("main button[name=add]").click()
    page.locator("[name='drivers.0.name']").fill("LEE Ka Yan")
    page.locator("main form button[name=do][value=next]").last.click()
    visitor.open(at + "evidence/identity")
    page.locator("main form button[type=submit]").last.click()
    visitor.open(at + "check")
    page.locator("#agree").check()
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_selector(".apply-story")
    row.refresh_from_db()
    assert row.state == "sent"


@pytest.mark.usefixtures("transactional_db", "held")
def test_a_sign_in_that_ends_before_a_form_is_sent(visit, gd, filled, chan, language):  # noqa: F811 - the fixtures
    row = filled()
    visitor = visit(language=language)
    page = as_resident(visitor, chan)
    visitor.open(f"/applications/{row.key}/answers/plate")
    form, cookies = page.url, page.context.cookies()
    page.context.clear_cookies()
    page.context.add_cookies([each for each in cookies if each["name"] != settings.SESSION_COOKIE_NAME])
    page.locator("main form button[name=do][value=later]").last.click()
    page.wait_for_selector(".kouan-error")
    visitor.check("apply-signed-out")
    back = page.locator("main a.govuk-button").get_attribute("href")
    assert back.startswith("/identity/enter?next=")
    assert form.removeprefix(visitor.portal).replace("/", "%2F") in back
