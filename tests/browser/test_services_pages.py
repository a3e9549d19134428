"""The catalogue in a real browser: each page loaded once a script, and looked at on a phone and on a desk."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.services.catalogue.conftest import STARTER, starter
from browser.keyboard import Keyboard
from kouan.apps.services.catalogue import keeping, publishing
from kouan.apps.services.definition.reading import from_folder
from kouan.apps.services.models import ServiceVersion

SHOWN = (
    "gd/social-security-certificate",
    "gd/residence-permit",
    "gd/northbound-vehicle",
    "gd/student-fast-lane",
)


@pytest.fixture
def catalogue(portal):
    now = timezone.now()
    for name in SHOWN:
        keeping.add(starter(name), state=ServiceVersion.State.PUBLISHED, by="side gd", now=now)
    publishing.publish_source(from_folder(STARTER / "hk/vehicle-particulars"), by="publisher", announce=False)


def test_the_catalogue_is_found_read_and_printed(visit, catalogue, language):
    visitor = visit(language=language)
    for name, path in {
        "services-home": "/",
        "services-start": reverse("services:find"),
        "services-found": reverse("services:find") + "?q=羅湖&side=gd",
        "services-nothing": reverse("services:find") + "?q=zzzz",
        "services-service": reverse("services:service", args=["gd", "social-security-certificate"]),
        "services-own": reverse("services:service", args=["hk", "vehicle-particulars"]),
    }.items():
        visitor.open(path)
        visitor.check(name)


def test_a_search_works_without_scripts_and_by_keyboard(visit, catalogue):
    visitor = visit(scripts=False)
    page = visitor.open("/")
    keys = Keyboard(page)
    keys.fill("#q", "lo wu")
    keys.press("Enter")
    page.wait_for_url("**/services/?q=lo+wu")
    assert page.locator(".services-found").count() == 1
    keys.choose("#filter-category", "Property")
    keys.enter(".services-filters button", "**category=property-and-vehicle*")
    assert page.locator(".services-found").count() == 0
    assert page.locator("#q").input_value() == "lo wu"  # the filters narrow down what was looked for
    keys.choose("#filter-category", "Any")
    keys.choose("#filter-side", "Guangdong")
    keys.enter(".services-filters button", "**side=gd&category=&*")
    keys.enter(".services-found a", "**/services/gd/student-fast-lane/")
    assert page.locator("h1").inner_text() == "Fast lane for cross-boundary pupils"


def test_the_publishers_pages(visit, catalogue, language, tmp_path):
    visitor = visit(language=language)
    visitor.sign_in("publisher")
    source = from_folder(STARTER / "hk/vehicle-particulars")
    changed = type(source)(source.service.replace('amount = "45"', 'amount = "50"'), source.form)
    publishing.draft(changed, by="publisher")
    wrong = tmp_path / "wrong.zip"
    wrong.write_bytes(b"no ZIP file")
    service = ["vehicle-particulars"]
    for name, path in {
        "publishing": reverse("services:publishing"),
        "publishing-service": reverse("services:publishing-service", args=service),
        "publishing-preview": reverse("services:publishing-preview", args=[*service, 2]),
        "publishing-try": reverse("services:publishing-try", args=[*service, 2]),
        "publishing-changes": reverse("services:publishing-changes", args=[*service, 2]),
        "publishing-withdraw": reverse("services:publishing-withdraw", args=service),
    }.items():
        visitor.open(path)
        visitor.check(name)
    visitor.open(reverse("services:publishing-try", args=[*service, 2]))
    visitor.page.locator("button.govuk-button").first.click()
    visitor.page.locator(".govuk-error-summary").wait_for()
    visitor.check("publishing-tried")
    page = visitor.open(reverse("services:publishing"))
    page.locator("input[type=file]").set_input_files(wrong)
    page.locator("section form button[type=submit]").click()
    page.wait_for_selector(".govuk-error-summary")
    visitor.check("publishing-faults")
