"""Headless Chromium on a live portal: every page is looked at as a person meets it.

``KOUAN_SHOTS=DIR`` keeps a picture of each page that is checked.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
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
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
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
PASSWORD = "a long enough password 1"  # noqa: S105 - of an account that lives as long as a test


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


@pytest.fixture(params=[320, 1280], ids=["phone", "desk"])
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

    def open(self, path: str) -> Page:
        self.page.goto(self.portal + path)
        return self.page

    def sign_in(self, *roles: Role) -> None:
        user = User.objects.create_user("officer", password=PASSWORD)
        for role in roles:
            grant_role(user=user, role=role)
        self.open("/sign-in")
        self.page.locator("#id_username").fill("officer")
        self.page.locator("#id_password").fill(PASSWORD)
        self.page.locator("main form button[type=submit]").click()
        self.page.wait_for_url(self.portal + "/")

    def check(self, name: str) -> None:
        """Fail with everything that is wrong with the page that is open."""
        self.page.wait_for_load_state()  # a form that was just sent may still be under way
        shots = os.environ.get("KOUAN_SHOTS")
        if shots:
            width = (self.page.viewport_size or {"width": 0})["width"]
            Path(shots).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{shots}/{name}-{self.language}-{width}.png", full_page=True)
        problems = [*self.faults, *_axe(self.page), *_shape(self.page)]
        assert not problems, f"{name} in {self.language}:\n" + "\n".join(problems)


@pytest.fixture
def visit(chromium: Browser, portal: str) -> Iterator[Callable[..., Visitor]]:
    """Make visitors: ``visit(language="zh-hant", width=320, scripts=True)``."""
    contexts = []

    def make(
        *, language: str = "en", width: int = 1280, scripts: bool = True, motion: str = "reduce"
    ) -> Visitor:
        context = chromium.new_context(
            viewport={"width": width, "height": 800},
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
        return Visitor(portal, page, language, faults)

    yield make
    for context in contexts:
        context.close()


# The library's upload button is named by its own words with commas between them for the voice; the rule
# compares letter by letter and takes the commas for other words.
KNOWN = {("label-content-name-mismatch", "govuk-file-upload-button")}


def _axe(page: Page) -> list[str]:
    page.evaluate(f"{AXE.read_text(encoding='utf-8')}\n;null")  # else all of axe is what comes back
    violations: list[dict[str, Any]] = page.evaluate(
        """axe.run({
            runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
            resultTypes: ['violations'],
        }).then(({violations}) => violations.map(({id, help, nodes}) => (
            {id, help, nodes: nodes.map(({target, html}) => ({target, html}))}
        )))"""
    )
    return [
        f"axe {violation['id']}: {violation['help']} at {node['target']} {node['html'][:160]}"
        for violation in violations
        for node in violation["nodes"]
        if not any(violation["id"] == rule and part in node["html"] for rule, part in KNOWN)
    ]


def _shape(page: Page) -> list[str]:
    return list(page.evaluate(SHAPE.read_text(encoding="utf-8")))
