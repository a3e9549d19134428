"""Officers' pages on cases, with everything on them that can be there at once; and the page of a fee."""

from __future__ import annotations

from datetime import timedelta

import pytest
import rfc8785
from django.contrib.auth.models import User
from django.utils import timezone

from apps.services.cases.conftest import (  # noqa: F401 - fixtures
    agreed,
    broker,
    case,
    definition,
    gd,
    node,
    receipt,
    sent,
    stores,
)
from apps.services.cases.made import ANSWERS, FEE, KINDS, cosigner, presentation, published, word
from browser.conftest import beside_the_browser
from browser.keyboard import Keyboard
from kouan.apps.services.cases import clock, granting, receiving, telling, working
from kouan.apps.services.models import Case, CaseCounter, CaseFee
from kouan.core.credentials import Verdict


@pytest.fixture
def cases(transactional_db, sent, case, agreed):  # noqa: F811 - the fixtures
    """Make cases in many states, once the officer is there."""

    def make():
        officer = User.objects.get(username="officer")
        CaseCounter.objects.create(year=clock.today().year, last=20_000_000)  # long numbers
        officer.first_name, officer.last_name = "Mei Ling", "CHEUNG"
        officer.save()
        full = sent(
            acts_for="person", cosigners=[cosigner()], kinds=[*KINDS, "person.file"],
            evidence=[presentation(verdict=Verdict.EXPIRED), presentation("representation", level=1)],
        )  # fmt: skip
        full.attach("needs.vehicle-licence", name="vehicle-licence-both-sides.pdf")
        full.attach("needs.vehicle-licence", b"MZ" + bytes(10), "program.pdf")
        receiving.opened(message=full.message())
        row = Case.objects.get()
        row = working.take_up(case=row, officer=officer, changed=row.changed)
        row = working.note(
            case=row, officer=officer, changed=row.changed, words="Asked the archive.\nWaiting."
        )
        row = working.ask_correction(
            case=row, officer=officer, changed=row.changed, words="Your proof of residence has expired.",
            ask=["needs.residence", "answers.plate"],
        )  # fmt: skip
        waiting = case(subject="b" * 43)
        answers = rfc8785.dumps(ANSWERS | {"plate": "CD 5678", "copies": 3})
        receiving.acted(
            message=word(
                row,
                "correct",
                answers=answers,
                kinds=KINDS,
                evidence=[presentation()],
                words="Here.",
                receipt=agreed(row, KINDS),
            )
        )
        row.refresh_from_db()
        for subject, days in (("c", -3), ("d", 1)):
            other = case(subject=subject * 43)
            Case.objects.filter(pk=other.pk).update(due_on=clock.today() + timedelta(days=days))
        with_fee = published("replaced", version=2, fee=FEE)
        unpaid = case(with_fee, subject="h" * 43)
        paying = case(with_fee, subject="e" * 43)
        working.ask_payment(case=paying, officer=officer, changed=paying.changed)
        done = case(subject="f" * 43)
        done = working.take_up(case=done, officer=officer, changed=done.changed)
        with beside_the_browser():
            done = granting.grant(case=done, officer=officer, changed=done.changed, given={"make": "TOYOTA"})
        gone = case(subject="g" * 43)
        gone = working.take_up(case=gone, officer=officer, changed=gone.changed)
        working.refuse(case=gone, officer=officer, changed=gone.changed, words="No such vehicle.")
        appealed = case(subject="i" * 43)
        appealed = working.take_up(case=appealed, officer=officer, changed=appealed.changed)
        working.refuse(case=appealed, officer=officer, changed=appealed.changed, words="No such vehicle.")
        receiving.acted(message=word(appealed, "appeal", words="There is one."))
        Case.objects.filter(pk__in=[done.pk, gone.pk]).update(received_at=timezone.now() - timedelta(days=9))
        return row, waiting, done, unpaid, appealed

    return make


def test_officers_pages(visit, cases, language):
    visitor = visit(language=language)
    visitor.sign_in("caseworker")
    row, waiting, done, unpaid, appealed = cases()
    visitor.open("/cases/")
    visitor.check("cases-list")
    visitor.open(f"/cases/{row.reference}/")
    visitor.check("cases-case")
    visitor.page.set_viewport_size({"width": 320, "height": 800})
    lines = "each => each.offsetHeight / parseFloat(getComputedStyle(each).lineHeight)"
    assert round(visitor.page.locator("h1 .kouan-number").evaluate(lines)) == 1  # and not cut in two
    visitor.open("/cases/figures/")
    visitor.check("cases-figures")
    for one, actions in (
        (waiting, ("take-up",)),
        (unpaid, ("ask-payment",)),
        (appealed, ("reopen", "uphold")),
        (done, ("revoke",)),
        (row, ("message", "ask-correction", "grant", "refuse", "assign")),
    ):
        for action in actions:
            visitor.open(f"/cases/{one.reference}/")
            visitor.page.locator(f"a[href*='/{action}?changed=']").click()
            visitor.page.wait_for_url(f"**/{one.reference}/{action}?changed=*")  # and not back at the case
            visitor.check(f"cases-act-{action}")
    visitor.page.locator("main form button[type=submit]").click()
    visitor.page.wait_for_selector(".govuk-error-summary")
    visitor.check("cases-act-errors")
    visitor.open(f"/cases/{done.reference}/")
    visitor.check("cases-granted")
    visitor.open(f"/cases/{waiting.reference}/")
    visitor.page.locator("a[href*='/note?changed=']").click()
    visitor.page.wait_for_url("**/note?changed=*")
    working.note(
        case=waiting, officer=User.objects.get(username="officer"), changed=waiting.changed, words="Mine."
    )
    visitor.page.locator("main [name=words]").fill("Too late.")
    visitor.page.locator("main form button[type=submit]").click()
    visitor.page.wait_for_selector(".govuk-notification-banner")
    visitor.check("cases-changed")
    visitor.open(f"/pay/{CaseFee.objects.get().key}/")
    visitor.check("cases-pay")
    visitor.page.locator("main form button[type=submit]").click()
    visitor.page.wait_for_url("**/demonstration")
    visitor.check("cases-pay-demonstration")
    visitor.page.locator("main [name=answer][value=pay]").click()
    visitor.page.wait_for_url("**/pay/*/")
    visitor.check("cases-paid")


def test_an_officer_works_without_scripts(visit, cases):
    visitor = visit(width=320, scripts=False)
    visitor.sign_in("caseworker")
    _row, waiting, *_others = cases()
    page = visitor.open(f"/cases/{waiting.reference}/")
    page.locator(".case-actions a").first.click()
    page.locator("main form button[type=submit]").click()
    page.wait_for_url(f"**/cases/{waiting.reference}/")
    waiting.refresh_from_db()
    assert waiting.state == "in-review"


def test_an_officer_decides_by_keyboard_alone(visit, cases):
    visitor = visit(width=1280)
    visitor.sign_in("caseworker")
    _row, waiting, *_others = cases()
    keys = Keyboard(visitor.open("/cases/"))
    at = f"/cases/{waiting.reference}/"
    keys.choose("[name=whose]", "Nobody")
    keys.enter("form.kouan-filters button", "**/cases/?*whose=nobody*")
    keys.enter(f"main a[href='{at}']", f"**{at}")
    keys.enter(f"main a[href='{at}take-up']", "**/take-up")
    keys.enter("main form button[type=submit]", f"**{at}")
    keys.enter(f"main a[href='{at}refuse']", "**/refuse")
    keys.to("main form button[type=submit]")
    keys.press("Enter")
    visitor.page.wait_for_selector(".govuk-error-summary")
    keys.to(".govuk-error-summary a")
    keys.press("Enter")
    assert visitor.page.evaluate("document.activeElement.name") == "words"
    visitor.page.keyboard.type("No such vehicle.\nCap. 374E.")
    keys.enter("main form button[type=submit]", f"**{at}")
    waiting.refresh_from_db()
    event = waiting.events.get(kind="refuse")
    assert (waiting.state, event.by) == ("refused", "officer")
    assert telling.said(waiting, event)["words"] == "No such vehicle.\nCap. 374E."
