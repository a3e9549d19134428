"""The pages: everybody's board, item and review; the officers' drafts, versions, meetings and reports."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from datetime import date

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext
from icalendar import Calendar
from pypdf import PdfReader
from rdflib import Graph

from apps.programme.plan.made import OFFICER, YEAR, drafted, item, measure, plan, words
from kouan.apps.programme.models import Draft, JointMeeting, Report, Version
from kouan.apps.programme.plan import drafting, negotiating, queries, reporting
from kouan.apps.programme.plan.domain import made_of, plan_number
from kouan.core.sides import side_name
from kouan.core.text import LANGUAGES
from kouan.web.access import grant_role
from kouan.web.filters import date_long

KEY = plan_number(["hk", "gd"], YEAR)
BOARD = f"/programme/plan/gd/{YEAR}/"
OFFICE = "/programme/office/"
DRAFT = f"{OFFICE}drafts/{KEY}/"
THREE = {"title_en": "Customs", "title_zh_hant": "清關", "title_zh_hans": "通关"}


@pytest.fixture
def officer(db):
    browser = Client()
    user = User.objects.create_user("officer", first_name="Mei Ling", last_name="CHEUNG")
    grant_role(user=user, role="programme")
    browser.force_login(user)
    return browser


@pytest.fixture
def everybody():
    return Client()


@pytest.fixture
def running(signed, gd, today):
    """A plan in effect with reports of both sides."""
    row = signed()
    for about, part, value in (
        ("state", "", "under-way"),
        ("measure", "services", "11"),
        ("milestone", "half", "done"),
    ):
        reporting.report(
            subject=row.subject, item="public-services", about=about, part=part, value=value,
            day=date(YEAR, 9, 1), source="monthly return 9/2026",
        )  # fmt: skip
    gd.report(row.subject.key, value="14", day="2026-09-02")
    gd.report(row.subject.key, about="state", part="", value="under-way", day="2026-09-02")
    gd.hear()
    return row


@pytest.mark.parametrize("language", ["en", "zh-hant", "zh-hans"])
@pytest.mark.parametrize("path", [BOARD, f"{BOARD}items/public-services/", f"{BOARD}review/"])
def test_everybody_sees_the_board_the_item_and_the_review_in_each_script(running, everybody, path, language):
    with translation.override(language):
        answer = everybody.get(path, headers={"accept-language": language})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert {"en": "Cross-boundary", "zh-hant": "跨境公共服務", "zh-hans": "跨境公共服务"}[language] in text
    assert "25" in text
    assert "Mei Ling" not in text


def test_a_figure_on_the_review_names_its_reports_and_the_crossings_that_brought_them(running, everybody):
    text = everybody.get(f"{BOARD}review/").content.decode()
    for report in Report.objects.filter(about="measure"):
        assert str(report.message_id) in text
        assert f"#report-{report.key}" in text
        assert f'id="report-{report.key}"' in everybody.get(f"{BOARD}items/public-services/").content.decode()
    assert "monthly return 9/2026" in text


def test_the_reviews_pdf_has_in_each_script_every_figure_of_the_page_and_what_is_behind_it(
    running, everybody
):
    def bare(words):
        return re.sub(r"\s+", "", html.unescape(re.sub(r"<[^>]+>", "", words)))

    reader = PdfReader(io.BytesIO(everybody.get(f"{BOARD}review.pdf").content))
    said = bare("".join(each.extract_text() for each in reader.pages))
    for language in LANGUAGES:
        page = everybody.get(f"{BOARD}review/", headers={"accept-language": language}).content.decode()
        figures = re.findall(r'plan-figure-line">(.*?)</p>', page, re.DOTALL)
        assert len(figures) == sum(len(each.measures) for _area, each in made_of(plan()).each_item())
        for line in (
            *figures,
            *re.findall(r"<h[123][^>]*>(.*?)</h[123]>", page.partition("<main")[2], re.DOTALL),
        ):
            assert bare(line) in said, (language, line)
        counts = re.findall(r"<dd[^>]*>(.*?)</dd>", page, re.DOTALL)
        assert [each for each in map(bare, counts) if each not in said] == []
        with translation.override(language):
            for report in Report.objects.filter(about="measure"):
                trace = queries.board(running.subject).traces[report.key]
                entry = gettext("ledger entry %(index)s") % {"index": trace.index}
                assert bare(entry) in bare(page)
                day, side = date_long(report.day), side_name(report.side)
                behind = gettext(
                    "%(side)s, %(day)s: %(value)s (%(source)s); message %(message)s, ledger entry %(index)s"
                ) % {
                    "side": side, "day": day, "value": report.value, "source": report.source,
                    "message": report.message_id, "index": trace.index,
                }  # fmt: skip
                assert bare(behind) in said, (language, behind)


def test_the_only_plan_is_shown_at_once_and_none_says_so(everybody, gd):
    assert "No plan in effect yet" in everybody.get("/programme/plan/").content.decode()
    assert everybody.get(BOARD).status_code == 404


def test_the_only_plan_in_effect_leads_to_its_board(running, everybody):
    assert everybody.get("/programme/plan/").headers["Location"] == BOARD


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
def test_the_files_are_what_they_say(running, everybody):
    pdf = everybody.get(f"{BOARD}review.pdf")
    assert (pdf.headers["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    assert everybody.get(f"{BOARD}plan.pdf").content.startswith(b"%PDF-")
    said = json.loads(everybody.get(f"{BOARD}plan.json").content)
    assert said["items"][0]["measures"][0]["value"] == "25"
    assert made_of(said["text"]).digest().hex() == said["digest"]
    graph = Graph().parse(data=everybody.get(f"{BOARD}plan.jsonld").content, format="json-ld")
    assert len(graph) > 20
    rows = list(csv.reader(io.StringIO(everybody.get(f"{BOARD}plan.csv").content.decode("utf-8-sig"))))
    assert rows[1][8] == "25"
    calendar = Calendar.from_ical(everybody.get(f"{BOARD}plan.ics").content)
    (event,) = calendar.walk("VEVENT")
    assert str(event["SUMMARY"]) == "Half of them: Cross-boundary public services"
    assert event["DTSTART"].dt == date(2026, 9, 30)


def test_the_plans_files_have_the_calendar_of_its_own_meetings(running, officer, everybody):
    officer.post(f"{OFFICE}meetings/new", MEETING)
    link = re.search(r'href="([^"]*meetings\.ics)"', everybody.get(BOARD).content.decode())
    (event,) = Calendar.from_ical(everybody.get(link[1]).content).walk("VEVENT")
    assert str(event["UID"]) == f"{JointMeeting.objects.get().key}@kouan"


def test_a_cell_that_a_spreadsheet_would_take_for_a_formula_is_disarmed(signed, gd, today, everybody):
    value = item(title=words("=HYPERLINK(1)"))
    area = {"id": "a", "title": words("Area"), "items": [value]}
    signed(areas=[area])
    rows = list(csv.reader(io.StringIO(everybody.get(f"{BOARD}plan.csv").content.decode("utf-8-sig"))))
    assert rows[1][1] == "'=HYPERLINK(1)"


def test_the_api_tells_the_same_as_the_pages(running, everybody):
    (listed,) = everybody.get("/api/v1/programme/plans").json()["plans"]
    assert (listed["year"], listed["with"], listed["milestones_done"]) == (YEAR, "gd", 1)
    whole = everybody.get(f"/api/v1/programme/plans/gd/{YEAR}").json()
    assert whole["items"][0]["standing"] == "under-way"
    assert {each["side"] for each in whole["reports"]} == {"hk", "gd"}
    assert all(each["message"] for each in whole["reports"])
    missing = everybody.get(f"/api/v1/programme/plans/gd/{YEAR + 1}")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown-plan")
    assert everybody.get("/api/v1/programme/meetings").json() == {"meetings": []}


@pytest.mark.parametrize(
    "path", [OFFICE, DRAFT, f"{OFFICE}meetings/", f"{OFFICE}meetings/new", f"{OFFICE}begin"]
)
def test_the_officers_pages_are_the_officers_alone(gd, everybody, path):
    assert everybody.get(path).status_code == 302
    user = User.objects.create_user("other")
    grant_role(user=user, role="operator")
    everybody.force_login(user)
    assert everybody.get(path).status_code == 403


def edition():
    return Draft.objects.get().edition


def post(officer, path, **values):
    return officer.post(f"{DRAFT}{path}", {"edition": edition(), **values})


def test_a_plan_is_drafted_part_by_part_signed_and_proposed(officer, gd):
    answer = officer.post(f"{OFFICE}begin", {"peer": "gd", "year": YEAR})
    assert answer.headers["Location"] == DRAFT
    assert "Not ready to be signed" in officer.get(DRAFT).content.decode()
    assert post(officer, "areas/new", **THREE).status_code == 302
    area = Draft.objects.get().content["areas"][0]["id"]
    given = {
        "deliverable_en": "Locks", "deliverable_zh_hant": "鎖", "deliverable_zh_hans": "锁",
        **{f"department_{side}_{script}": f"{side} {script}" for side in ("hk", "gd")
           for script in ("en", "zh_hant", "zh_hans")},
    }  # fmt: skip
    assert post(officer, f"areas/{area}/items/new", **THREE, **given).status_code == 302
    one = Draft.objects.get().content["areas"][0]["items"][0]["id"]
    assert post(officer, f"items/{one}/milestones/new", due=f"{YEAR}-12-01", **THREE).status_code == 302
    figures = {
        "unit_en": "locks", "unit_zh_hant": "把", "unit_zh_hans": "把", "baseline": "0", "target": "50",
        "reported_by": ["gd", "hk"], "combined": "sum", "feed": "exchange.handled",
    }  # fmt: skip
    assert post(officer, f"items/{one}/measures/new", **THREE, **figures).status_code == 302
    assert post(officer, "term", first_day=f"{YEAR}-01-01", last_day=f"{YEAR}-12-31").status_code == 302
    text = officer.get(DRAFT).content.decode()
    assert "Sign and propose" in text
    for path in (f"items/{one}", f"areas/{area}", "sign", "text.json", "file", "term"):
        assert officer.get(f"{DRAFT}{path}").status_code == 200, path
    answer = post(officer, "sign")
    row = Version.objects.get()
    assert answer.headers["Location"] == f"{OFFICE}versions/{bytes(row.digest).hex()}/"
    assert "CHEUNG" in officer.get(answer.headers["Location"]).content.decode()
    ((type_, _said),) = gd.hear()
    assert type_ == "programme.proposal"


def test_a_form_that_is_answered_wrongly_says_so_and_changes_nothing(officer, gd):
    officer.post(f"{OFFICE}begin", {"peer": "gd", "year": YEAR})
    answer = post(officer, "areas/new", title_en="Customs", title_zh_hant="", title_zh_hans="通关")
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Title in Traditional Chinese: This cannot be empty." in text
    assert Draft.objects.get().content["areas"] == []
    assert post(officer, "term", first_day="1 April", last_day="2027-03-31").status_code == 422
    assert officer.post(f"{OFFICE}begin", {"peer": "gd", "year": YEAR}).status_code == 422
    assert officer.get(f"{DRAFT}areas/nowhere").status_code == 422


def test_what_two_officers_write_at_one_time_is_not_lost(officer, gd):
    officer.post(f"{OFFICE}begin", {"peer": "gd", "year": YEAR})
    seen = edition()
    post(officer, "areas/new", **THREE)
    late = officer.post(f"{DRAFT}areas/new", {"edition": seen, **THREE | {"title_en": "Telecommunications"}})
    assert late.status_code == 422
    assert "changed this draft while you were writing" in late.content.decode()
    assert "Telecommunications" in late.content.decode()
    assert len(Draft.objects.get().content["areas"]) == 1


def test_a_proposal_of_the_other_side_is_compared_countered_and_signed(officer, running, gd):
    first = running
    value = plan(author="gd", version=2, replaces=bytes(first.digest).hex())
    value["areas"][0]["items"][0]["deliverable"] = words(
        "Forty services on line.", "四十項服務上線。", "四十项服务上线。"
    )
    value["areas"].append(
        {
            "id": "telecom",
            "title": words("Telecommunications"),
            "items": [item("sites", measures=[measure(feed="exchange.handled")])],
        }
    )
    gd.propose(value)
    path = f"{OFFICE}versions/{made_of(value).digest().hex()}/"
    assert f'has proposed <a class="govuk-link" href="{path}">' in officer.get(OFFICE).content.decode()
    assert "1 proposal waits for this side." in officer.get("/").content.decode()
    text = officer.get(path).content.decode()
    assert "<del>Thirty</del>" in text
    assert "<ins>Forty</ins>" in text
    assert "<del>三</del><ins>四</ins>" in text
    assert officer.post(f"{path}draft").headers["Location"] == DRAFT
    assert officer.get(DRAFT).status_code == 200
    text = officer.get(DRAFT).content.decode()
    assert "takes the place of what" in text
    countered = text.partition("What differs from what Guangdong has proposed")[2].partition("<h2")[0]
    assert "Nothing but its number." in countered
    assert "<ins>Forty</ins>" in text
    assert "1 April 2026" in text
    post(officer, "throw-away")
    assert officer.get(f"{path}accept").status_code == 200
    assert officer.post(f"{path}accept").status_code == 302
    assert officer.get(f"{path}accept").status_code == 404
    assert officer.get(f"{path}text.pdf").content.startswith(b"%PDF")
    assert negotiating.in_effect(first.subject).number == 2
    assert "Signed by both sides" in officer.get(path).content.decode()


def test_refusing_and_withdrawing_ask_for_a_reason(officer, begun, gd):
    draft = begun()
    row = negotiating.propose(subject=draft.subject, edition=draft.edition, officer=OFFICER)
    path = f"{OFFICE}versions/{bytes(row.digest).hex()}/"
    assert officer.post(f"{path}withdraw", {"reason": ""}).status_code == 422
    assert officer.post(f"{path}withdraw", {"reason": "a slip"}).status_code == 302
    assert officer.get(f"{path}withdraw").status_code == 404
    value = plan(author="gd", version=2)
    gd.propose(value)
    path = f"{OFFICE}versions/{made_of(value).digest().hex()}/"
    assert officer.get(f"{path}refuse").status_code == 200
    assert officer.post(f"{path}refuse", {"reason": "too much"}).status_code == 302
    assert "Reason given: too much" in officer.get(path).content.decode()


def test_progress_is_reported_from_the_items_page(officer, running, gd):
    base = f"{BOARD}items/public-services/report/"
    for path in ("state/", "measure/services/", "milestone/half/"):
        assert officer.get(base + path).status_code == 200, path
    assert officer.get(f"{base}measure/nowhere/").status_code == 404
    given = {
        "value": "12",
        "day": f"{YEAR}-09-30",
        "source": "return",
        "note_en": "",
        "note_zh_hant": "",
        "note_zh_hans": "",
    }
    wrong = officer.post(f"{base}measure/services/", given | {"value": "twelve"})
    assert (wrong.status_code, "such as 1250" in wrong.content.decode()) == (422, True)
    early = officer.post(f"{base}measure/services/", given | {"day": "2020-01-01"})
    assert (early.status_code, f"Report a day from {YEAR}-04-01" in early.content.decode()) == (422, True)
    half = officer.post(f"{base}measure/services/", given | {"note_en": "so far"})
    assert (half.status_code, "in all three scripts" in half.content.decode()) == (422, True)
    assert officer.post(f"{base}measure/services/", given).status_code == 302
    ((type_, said),) = gd.hear()
    assert (type_, said["value"]) == ("programme.report", "12")


def test_a_text_from_a_file_is_taken_or_refused(officer, gd):
    officer.post(f"{OFFICE}begin", {"peer": "gd", "year": YEAR})
    for data in (b"", b"{", b"[" * 100_000, b'{"schema": 1}', b"\xff"):
        answer = post(officer, "file", file=io.BytesIO(data))
        assert answer.status_code == 422, data[:20]
    good = io.BytesIO(json.dumps(drafted(plan())).encode())
    assert post(officer, "file", file=good).status_code == 302
    assert drafting.problems(drafting.find(KEY)) == []


LINES = "Progress | 進展 | 进展\nNext year | 來年 | 来年"
MEETING = {
    "peer": "gd", **THREE, "place_en": "Hong Kong", "place_zh_hant": "香港", "place_zh_hans": "香港",
    "day": "2026-10-01", "begins": "09:30", "ends": "12:00", "mode": "in-person", "agenda": LINES,
}  # fmt: skip


def test_a_meeting_is_convened_changed_attended_held_and_minuted(officer, gd):
    answer = officer.post(f"{OFFICE}meetings/new", MEETING)
    meeting = JointMeeting.objects.get()
    path = f"{OFFICE}meetings/{meeting.key}/"
    assert answer.headers["Location"] == path
    text = officer.get(path).content.decode()
    assert "is a holiday in" in text  # the National Day, on both sides
    agenda = [each["id"] for each in meeting.agenda]
    moved = MEETING | {"day": "2026-10-09", "mode": "hybrid"}
    assert officer.post(f"{path}change", moved).status_code == 302
    assert "In person and by video" in officer.get(path).content.decode()
    meeting.refresh_from_db()
    assert [each["id"] for each in meeting.agenda] == agenda
    assert "is a holiday in" not in officer.get(path).content.decode()
    people = "CHEUNG Mei Ling | Director | 處長 | 处长 | mei.ling@example.org | zh-hant"
    assert officer.post(f"{path}delegation", {"persons": people}).status_code == 302
    paper = io.BytesIO(b"%PDF-1.4 the paper")
    paper.name = "paper.pdf"
    assert officer.post(f"{path}papers/new", THREE | {"file": paper}).status_code == 302
    text = officer.get(path).content.decode()
    link = re.search(rf'href="({path}papers/[0-9a-f-]+)"', text)
    assert officer.get(link[1]).content == b"%PDF-1.4 the paper"
    assert '<code class="kouan-code">' in text
    assert "&lt;code" not in text
    assert Calendar.from_ical(officer.get(f"{path}meeting.ics").content).walk("VEVENT")
    assert officer.post(f"{path}close/held").status_code == 302
    assert officer.get(f"{path}change").status_code == 404
    answer = officer.post(f"{path}minutes")
    draft = answer.headers["Location"]
    assert "Not ready to be signed" in officer.get(draft).content.decode()
    for point in Draft.objects.get().content["points"]:
        said = {"said_en": "Agreed.", "said_zh_hant": "同意。", "said_zh_hans": "同意。"}
        done = officer.post(f"{draft}points/{point['id']}", {"edition": edition(), **THREE, **said})
        assert done.status_code == 302
    action = {
        "edition": edition(), **THREE, "side": "gd", "due": "2027-01-31", "state": "open",
        "department_en": "Data", "department_zh_hant": "數據", "department_zh_hans": "数据",
    }  # fmt: skip
    assert officer.post(f"{draft}actions/new", action).status_code == 302
    for page in ("", "held", "points/new", "actions/new", "sign"):
        assert officer.get(f"{draft}{page}").status_code == 200, page
    assert officer.post(f"{draft}sign", {"edition": edition()}).status_code == 302
    row = Version.objects.get()
    gd.hear()
    assert gd.answer(bytes(row.digest), meeting.key) == ("handled", "")
    text = officer.get(f"{OFFICE}versions/{bytes(row.digest).hex()}/").content.decode()
    assert "Action items" in text
    later = officer.post(f"{OFFICE}meetings/new", MEETING | {"day": "2027-02-10", "agenda": ""})
    assert "Open from the meeting before" in officer.get(later.headers["Location"]).content.decode()
    assert officer.get(f"{OFFICE}meetings/").status_code == 200
    assert len(Client().get("/api/v1/programme/meetings").json()["meetings"]) == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ends": "09:00"}, "A meeting ends after it begins"),
        ({"begins": "half past"}, "Enter a time such as 14:30."),
        ({"agenda": "Progress | 進展"}, "Line 1: write its 3 parts"),
        ({"agenda": "a | b | " + "c" * 201}, "200 characters at most"),
        ({"place_zh_hans": ""}, "This cannot be empty."),
    ],
)
def test_a_meeting_that_cannot_be_is_not_convened(officer, gd, changes, said):
    answer = officer.post(f"{OFFICE}meetings/new", MEETING | changes)
    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert not JointMeeting.objects.exists()
