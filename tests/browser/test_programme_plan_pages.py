"""The pages of the joint work plan, with everything on them that can be there at once."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime, timedelta

import pytest

from apps.programme.plan.conftest import begun, gd, node, proposed, signed, stores, today  # noqa: F401 - fixtures
from apps.programme.plan.made import OFFICER, YEAR, item, measure, plan, words
from browser.conftest import beside_the_browser
from kouan.apps.programme.crossings import AgendaPoint
from kouan.apps.programme.models import Draft, Version
from kouan.apps.programme.plan import drafting, meetings, reporting
from kouan.apps.programme.plan.domain import Line, made_of
from kouan.apps.programme.plan.meetings import Arranged, Person

BOARD = f"/programme/plan/gd/{YEAR}/"
OFFICE = "/programme/office/"


def areas():
    many = []
    for area in ("smart-city", "commerce", "customs", "technology", "telecom"):
        items = [
            item(
                f"{area}-{number}",
                title=words(f"A piece of work in {area}, number {number}, with a long title"),
            )
            for number in range(1, 3)
        ]
        many.append({"id": area, "title": words(f"Area of {area}"), "items": items})
    many[0]["items"][0]["measures"].append(measure("fed", title=words("Crossings"), feed="exchange.handled"))
    return many


@pytest.fixture
def busy(transactional_db, gd, signed, today):  # noqa: F811 - the fixtures
    with beside_the_browser():
        row = signed(areas=areas())
        for number, (name, stands) in enumerate(
            [
                ("smart-city-1", "under-way"),
                ("commerce-1", "at-risk"),
                ("customs-1", "done"),
                ("telecom-1", "dropped"),
            ]
        ):
            for about, part, value in (
                ("state", "", stands),
                ("measure", "services", str(10 + number)),
                ("milestone", "half", "done"),
            ):
                reporting.report(
                    subject=row.subject, item=name, about=about, part=part, value=value,
                    day=date(YEAR, 9, 1), source="monthly return 9/2026",
                )  # fmt: skip
            gd.report(row.subject.key, item=name, about="state", part="", value=stands)
            gd.report(row.subject.key, item=name, value="9")
        gd.hear()
        value = plan(author="gd", version=2, replaces=bytes(row.digest).hex(), areas=copy.deepcopy(areas()))
        value["areas"][0]["items"][0]["deliverable"] = words(
            "Forty services.", "四十項服務。", "四十项服务。"
        )
        value["areas"].pop()
        gd.propose(value)
        return row, made_of(value).digest().hex()


def test_the_public_pages(visit, busy, language):
    visitor = visit(language=language)
    for path, name in (("", "board"), ("review/", "review"), ("items/smart-city-1/", "item")):
        visitor.open(BOARD + path)
        visitor.check(f"plan-{name}")


def test_the_officers_pages(visit, busy, language):
    _row, theirs = busy
    visitor = visit(language=language)
    visitor.sign_in("programme")
    visitor.open(OFFICE)
    visitor.check("plan-office")
    for action in ("", "accept", "refuse"):
        visitor.open(f"{OFFICE}versions/{theirs}/{action}")
        visitor.check(f"plan-version-{action or 'page'}")
    visitor.open(f"{BOARD}items/smart-city-1/")
    visitor.check("plan-item-officer")
    for about in ("state", "measure/services", "milestone/half"):
        visitor.open(f"{BOARD}items/smart-city-1/report/{about}/")
        visitor.check(f"plan-report-{about.partition('/')[0]}")
    visitor.page.locator("main form button[type=submit]").last.click()
    visitor.page.wait_for_selector(".govuk-error-summary")
    visitor.check("plan-report-errors")
    draft = drafting.from_version(version=Version.objects.get(digest=bytes.fromhex(theirs)), officer=OFFICER)
    base = f"{OFFICE}drafts/{draft.subject.key}/"
    for path in (
        "",
        "term",
        "areas/new",
        "items/smart-city-1",
        "items/smart-city-1/measures/services",
        "file",
        "sign",
    ):
        visitor.open(base + path)
        visitor.check(f"plan-draft-{path.replace('/', '-') or 'page'}")
    Draft.objects.update(content=draft.content | {"areas": []})
    visitor.open(base)
    visitor.check("plan-draft-unready")


def line(text):
    return Line.model_validate(words(text))


def test_the_pages_of_meetings(visit, transactional_db, gd, language):  # noqa: F811 - the fixture
    start = datetime(2026, 10, 1, 1, 30, tzinfo=UTC)
    row = meetings.convene(
        peer="gd",
        arranged=Arranged(
            line("Plenary meeting"), line("Hong Kong"), "in-person", start, start + timedelta(hours=3),
            (AgendaPoint(id="progress", title=line("Progress of the year")),),
        ),
    )  # fmt: skip
    meetings.delegate(key=row.key, persons=[Person("CHEUNG Mei Ling", line("Director"))])
    meetings.add_paper(key=row.key, title=line("Figures of the year"), name="figures.pdf", data=b"%PDF-1.4")
    visitor = visit(language=language)
    visitor.sign_in("programme")
    for path, name in (
        ("meetings/", "list"),
        ("meetings/new", "new"),
        (f"meetings/{row.key}/", "page"),
        (f"meetings/{row.key}/delegation", "delegation"),
        (f"meetings/{row.key}/papers/new", "paper"),
    ):
        visitor.open(OFFICE + path)
        visitor.check(f"meeting-{name}")
    draft = drafting.for_minutes(meeting=row, officer=OFFICER)
    base = f"{OFFICE}drafts/{draft.subject.key}/"
    for path in ("", "held", "points/progress", "actions/new"):
        visitor.open(base + path)
        visitor.check(f"minutes-{path.replace('/', '-') or 'page'}")
