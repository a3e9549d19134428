"""Headless Chromium on a live portal: every page is looked at as a person meets it.

``KOUAN_SHOTS=DIR`` keeps a picture of each page that is checked.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.test.testcases import LiveServerThread
from playwright.sync_api import sync_playwright

from kouan.web.access import Role, grant_role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules/axe-core/axe.min.js"
SHAPE = Path(__file__).with_name("shape.js")
VENDOR = ROOT / "src/kouan/web/static/vendor/govuk-frontend.css"
# The shell has the engine without a browser's window around it, at half the work.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _missing() -> str | None:
    if CHROMIUM is None:
        return "chromium is not installed"
    if not AXE.is_file() or not VENDOR.is_file():
        return "the assets are not fetched (python tools/assets.py --tests)"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = _missing()
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)
            if missing:
                item.add_marker(
                    pytest.mark.skip(reason=f"browser tests need Chromium and axe-core: {missing}")
                )


PHONE, DESK = 320, 1280
"""Widths of a screen, in CSS pixels."""


@pytest.fixture(params=[PHONE, DESK], ids=["phone", "desk"])
def width(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture(params=["en", "zh-hant", "zh-hans"])
def language(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    # Playwright's synchronous interface runs an event loop in this thread, which Django takes for an
    # asynchronous view; the tests' own use of the database here is plain and sequential.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        loop = asyncio._get_running_loop()
        yield browser
        asyncio._set_running_loop(loop)  # another test, for which it was hidden, may be the last
        browser.close()


@contextmanager
def beside_the_browser() -> Iterator[None]:
    """Hide the browser's event loop from what runs one of its own, such as the signing of PDF files."""
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)


@pytest.fixture
def portal(transactional_db: None) -> Iterator[str]:
    """The portal's address; it serves with the tests' own database and the product's own static files."""
    shared = {}
    for connection in connections.all():
        if connection.vendor == "sqlite" and connection.is_in_memory_db():
            shared[connection.alias] = connection
            # For good: a server thread may still be ending when the test has ended.
            connection.inc_thread_sharing()
    server = LiveServerThread(
        "127.0.0.1", static_handler=lambda application: application, connections_override=shared
    )
    server.daemon = True
    server.start()
    server.is_ready.wait()
    if server.error:
        raise server.error
    yield f"http://127.0.0.1:{server.port}"
    server.terminate()


@dataclass
class Visitor:
    """One person at one screen."""

    portal: str
    page: Page
    language: str
    faults: list[str]
    widths: tuple[int, ...]
    """The screens that each page is checked at; the first is the one that the person walks on."""

    def open(self, path: str) -> Page:
        self.page.goto(self.portal + path)
        return self.page

    def sign_in(self, *roles: Role) -> None:
        """Come in as an officer; the way through the page of that name is walked elsewhere."""
        user = User.objects.create_user("officer")
        for role in roles:
            grant_role(user=user, role=role)
        client = Client()
        client.force_login(user)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": self.portal}]
        )
        self.open("/")

    def check(self, name: str) -> None:
        """Fail with everything that is wrong with the page that is open."""
        problems: list[str] = []
        for width in self.widths:
            self._resize(width)
            if shots := os.environ.get("KOUAN_SHOTS"):
                Path(shots).mkdir(parents=True, exist_ok=True)
                self.page.screenshot(path=f"{shots}/{name}-{self.language}-{width}.png", full_page=True)
            # The pages of the three scripts are built alike: all of axe is asked in English, in the others
            # what words and their lengths decide, on the narrow screen or the only one.
            if self.language == "en":
                found = _axe(self.page, ALL_RULES)
            elif width == self.widths[-1]:
                found = _axe(self.page, RULES_OF_WORDS)
            else:
                found = []
            found += _shape(self.page)
            problems += [f"at {width} pixels: {each}" for each in found]
        self._resize(self.widths[0])
        problems = [*self.faults, *problems]
        assert not problems, f"{name} in {self.language}:\n" + "\n".join(problems)

    def _resize(self, width: int) -> None:
        if (self.page.viewport_size or {"width": 0})["width"] != width:
            self.page.set_viewport_size({"width": width, "height": 800})


@pytest.fixture
def visit(chromium: Browser, portal: str) -> Iterator[Callable[..., Visitor]]:
    """Make visitors: ``visit(language="zh-hant", scripts=True)``; without a ``width`` on both screens."""
    contexts = []

    def make(
        *, language: str = "en", width: int | None = None, scripts: bool = True, motion: str = "reduce"
    ) -> Visitor:
        widths = (DESK, PHONE) if width is None else (width,)
        context = chromium.new_context(
            viewport={"width": widths[0], "height": 800},
            java_script_enabled=scripts,
            reduced_motion=motion,
            locale={"en": "en-GB", "zh-hant": "zh-HK", "zh-hans": "zh-CN"}[language],
        )
        contexts.append(context)
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
        page.on(
            "console",
            lambda message: (
                faults.append(f"console: {message.text}")
                if message.type == "error"
                and "status of 4" not in message.text
                and "status of 5" not in message.text
                else None
            ),
        )
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((portal, "data:"))
                else faults.append(f"foreign request: {request.url}")
            ),
        )
        return Visitor(portal, page, language, faults, widths)

    yield make
    for context in contexts:
        context.close()


# The library's upload button is named by its own words with commas between them for the voice; the rule
# compares letter by letter and takes the commas for other words.
KNOWN = {("label-content-name-mismatch", "govuk-file-upload-button")}


ALL_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES_OF_WORDS = {
    "type": "rule",
    "values": [
        "html-has-lang",
        "html-lang-valid",
        "valid-lang",
        "document-title",
        "empty-heading",
        "empty-table-header",
        "button-name",
        "link-name",
        "summary-name",
        "label",
        "label-content-name-mismatch",
        "select-name",
        "image-alt",
        "svg-img-alt",
        "aria-input-field-name",
        "target-size",
        "scrollable-region-focusable",
    ],
}


def _axe(page: Page, rules: object = ALL_RULES) -> list[str]:
    # A form that was just sent may still be under way, or its answer stand there without its style sheets.
    page.wait_for_load_state()
    if not page.evaluate("'axe' in window"):
        page.evaluate(f"{AXE.read_text(encoding='utf-8')}\n;null")  # else all of axe is what comes back
    violations: list[dict[str, Any]] = page.evaluate(
        """(rules) => axe.run({
            runOnly: rules,
            resultTypes: ['violations'],
        }).then(({violations}) => violations.map(({id, help, nodes}) => (
            {id, help, nodes: nodes.map(({target, html}) => ({target, html}))}
        )))""",
        rules,
    )
    return [
        f"axe {violation['id']}: {violation['help']} at {node['target']} {node['html'][:160]}"
        for violation in violations
        for node in violation["nodes"]
        if not any(violation["id"] == rule and part in node["html"] for rule, part in KNOWN)
    ]


def _shape(page: Page) -> list[str]:
    return list(page.evaluate(SHAPE.read_text(encoding="utf-8")))
