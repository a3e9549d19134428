"""A first-time visitor: what they do on each page is counted, and how long people take for as much is known.

The time is that of the keystroke-level model (Card, Moran and Newell, 1980): to decide on a step, to point at
something, to press a key. A page that somebody has never seen is looked over first. The rest is measured: how
long this machine takes to show what comes next.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from browser.conftest import _shape

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

THINK: Final = 1.35
POINT: Final = 1.1
KEY: Final = 0.28
"""Seconds, of people who do not type much."""
LOOK: Final = 5.0
"""Seconds in which a new page is looked over, as one does who wants to get on."""


@dataclass
class Visit:
    """One way through the pages, from the first to the last."""

    page: Page
    steps: int = 0
    """What was pressed, chosen or written."""
    seconds: float = 0.0
    """What a person takes for that."""
    pages: list[str] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def seen(self) -> None:
        """Look over the page that is open, if it is another one than before."""
        if self.pages[-1:] != [self.page.url]:
            assert not (wrong := _shape(self.page)), f"{self.page.url}: {wrong}"
            self.pages.append(self.page.url)
            self.seconds += LOOK

    def press(self, what: Locator) -> None:
        """Press a button or follow a link."""
        self.seen()
        what.click()
        self._stepped()
        self.page.wait_for_load_state()

    def write(self, where: Locator, words: str) -> None:
        """Write something."""
        self.seen()
        where.fill(words)
        self._stepped(len(words))

    def answer(self, path: str, value: str) -> None:
        """Answer a question of a form, whatever asks it."""
        box = self.page.locator(f"[name='{path}'][value='{value}']")
        if box.count():
            self.seen()
            box.check()
            self._stepped()
            return
        where = self.page.locator(f"[name='{path}']")
        if where.evaluate("each => each.tagName") == "SELECT":
            self.seen()
            where.select_option(value)
            self._stepped()
        else:
            self.write(where, value)

    def _stepped(self, keys: int = 0) -> None:
        self.steps += 1
        self.seconds += THINK + POINT + KEY * keys

    @property
    def taken(self) -> float:
        """Seconds from the first page to now: what the machine took, and what a person does."""
        return time.monotonic() - self.begun + self.seconds


@dataclass(frozen=True)
class Errand:
    """What somebody wants on the other side."""

    home: str
    other: str
    person: str
    words: str
    """What they look for."""
    service: str
    answers: dict[str, str]
    """What is not known of them beforehand."""


ERRANDS: Final = (
    Errand(
        "hk", "gd", "hk-chan", "social insurance", "social-security-certificate",
        {
            "insured.city": "shenzhen", "insured.kinds": "pension", "period": "year", "for": "bank",
            "address_shown": "no",
        },
    ),
    Errand(
        "gd", "hk", "gd-wang", "vehicle", "vehicle-particulars",
        {
            "vehicle.mark": "KN 1997", "vehicle.class": "private-car", "why.reason": "buying",
            "declared": "yes",
        },
    ),
)  # fmt: skip


def apply(visit: Visit, home: str, errand: Errand) -> str:
    """Apply for it from the home page on; return the number under which the other side has it."""
    page = visit.page
    visit.write(page.locator("#q"), errand.words)
    visit.press(page.get_by_role("button", name="Search"))
    visit.press(page.locator(f".services-found a[href='/services/{errand.other}/{errand.service}/']"))
    visit.press(page.get_by_role("button", name="Apply now"))
    visit.press(page.get_by_role("button", name="Sign in to begin"))
    visit.answer("person", errand.person)
    visit.press(page.locator("main form button").first)
    page.wait_for_url(f"{home}/apply/**")
    visit.press(page.locator("main form button"))  # which begins
    page.wait_for_url(f"{home}/applications/*/")
    visit.press(page.locator(".govuk-task-list__link[href*='/answers/']").first)
    while "/check" not in page.url:
        if found := re.search(r"/answers/([a-z0-9_-]+)", page.url):
            for path, value in errand.answers.items():
                if path.split(".")[0] == found[1]:
                    visit.answer(path, value)
        before = page.url
        visit.press(page.get_by_role("button", name="Save and go on").last)
        assert page.url != before, page.locator("main").inner_text()
    visit.answer("agree", "yes")
    visit.press(page.locator("main form button[type=submit]").last)
    visit.seen()
    return _number(page, errand.other)


def _number(page: Page, side: str) -> str:
    """Wait until the other side has it; whoever waits looks again."""
    number, end = re.compile(rf"\b{side.upper()}-\d{{4}}-\d{{6}}\b"), time.monotonic() + 60
    while not (found := number.search(page.locator("main").inner_text())):
        assert time.monotonic() < end, page.locator("main").inner_text()
        page.wait_for_timeout(500)
        page.reload()
    return found[0]
