"""The public pages of the programme and their data, as records and officers have them."""

from __future__ import annotations

import csv
import io
import json
from importlib import resources

import pytest
from django.test import Client
from icalendar import Calendar

from kouan.apps.programme.domain import Act, Field, State
from kouan.apps.programme.look import flow, history, views
from kouan.apps.programme.models import Claim, Meeting
from kouan.apps.programme.records import deciding, importing


@pytest.fixture
def told(db):
    record = resources.files("kouan.demo") / "records" / "plenaries.txt"
    return importing.import_file(name="plenaries.txt", data=record.read_bytes(), by="tests")


def page(path, language="en"):
    response = Client().get(path, headers={"accept-language": language})
    assert response.status_code == 200, path
    return response.content.decode()


def meeting(number):
    return Meeting.objects.get(group="informatisation", number=number)


def test_before_any_record_the_pages_say_so(db):
    for path in ("/programme/", "/programme/areas/", "/programme/people/"):
        assert "kouan-empty" in page(path)
    assert json.loads(page("/programme/meetings.json")) == {"meetings": []}


def test_the_timeline_has_every_meeting_in_its_order(told):
    text = page("/programme/")
    places = [text.index(f'href="/programme/meetings/{meeting(number).key}"') for number in range(19, 0, -1)]
    assert places == sorted(places)
    assert "Cyberport" in text
    assert "第 19 次會議" in page("/programme/", "zh-hant")
    assert "第 19 次会议" in page("/programme/", "zh-hans")


def test_one_group_is_shown_alone_and_an_unknown_one_not(told):
    assert page("/programme/?group=informatisation").count('programme-entry"') == 19
    assert page("/programme/?group=nobody").count('programme-entry"') == 19


def test_the_areas_tell_how_they_changed(told):
    text = page("/programme/areas/")
    assert "Joined with another" in text
    assert text.count("programme-route--") > 10
    assert "data-label" in text  # the table behind the picture


def test_the_table_behind_the_picture_has_every_meeting_that_it_shows(told):
    threads = flow.threads([column for column, _held in views._columns()])
    stops = [step for thread in threads for step in thread.steps]
    text = page("/programme/areas/")
    assert text.count("<li><strong>") == len(stops)
    assert text.count("As before") == sum(step.changes == (flow.Change.KEPT,) for step in stops) > 0


def test_the_nodes_own_dictionaries_name_what_the_pages_show(read_in, own_words):
    def called(name, chinese):
        return f'name = {{ en = "{name}", zh-hant = "{chinese}", zh-hans = "{chinese}" }}\n'

    own_words(
        "places",
        '[[places]]\ncode = "pier"\nin = "hong-kong"\nnames = ["Harbour Pier"]\n'
        + called("Harbour Pier", "海港碼頭"),
    )
    own_words(
        "groups",
        '[[groups]]\ncode = "circle"\nkind = "expert-group"\npatterns = ["Harbour Circle"]\n'
        + called("Harbour Circle", "海港圈"),
    )
    own_words("areas", '[[themes]]\ncode = "tides"\npatterns = ["tides"]\n' + called("Tides", "潮汐"))
    own_words(
        "bodies",
        '[[bodies]]\ncode = "harbour-board"\nside = "hk"\n[[bodies.names]]\n'
        'en = "Harbour Digital Authority"\nzh-hant = "海港數碼局"\nzh-hans = "海港数码局"\n',
    )
    group = "Hong Kong/Guangdong Expert Group on Co-operation in Informatisation"
    plenary = f"The 21st plenary meeting of the {group} was held"
    attended = "Representatives from the Harbour Digital Authority attended the meeting."
    read_in("a.txt", f"{plenary} at Harbour Pier on 17 September 2026. {attended}")
    read_in("b.txt", f"{plenary} in Hong Kong on 17 September 2026.")
    read_in("c.txt", "The third meeting of the Harbour Circle was held in Macao on 3 May 2024.")
    row = meeting(21)
    assert (row.place, row.conflicts) == ("pier", [])
    text = page("/programme/", "zh-hant")
    assert "海港碼頭" in text
    assert "海港圈" in text
    people = page("/programme/people/", "zh-hant")
    assert '<span data-side="hk" class="programme-matrix__name">海港數碼局</span>' in people
    assert history.themes_of("Watching the tides") == ("tides",)
    area = Claim.objects.filter(meeting=row, field="body").get()
    Claim.objects.filter(pk=area.pk).update(
        field="area", value={"text": "Watching the tides", "theme": "tides"}
    )
    assert "潮汐" in page("/programme/areas/", "zh-hant")


def test_who_took_part_is_told_under_present_names(told):
    text = page("/programme/people/")
    assert "Digital Policy Office" in text
    assert "earlier: Office of the Government Chief Information Officer" in text


def test_a_meeting_shows_the_sentence_behind_each_value(told):
    text = page(f"/programme/meetings/{meeting(8).key}")
    assert "<mark>26 July 2013</mark>" in text
    assert "No officer has checked it yet." in text
    assert Client().get("/programme/meetings/00000000-0000-4000-8000-000000000000").status_code == 404


def test_what_an_officer_says_goes_before_what_was_read(told):
    row = meeting(8)
    area, other = Claim.objects.filter(meeting=row, field=Field.AREA.value).order_by("pk")[:2]
    deciding.judge(claim=area.key, act=Act.REJECT, seen=State.PROPOSED, by="lee")
    deciding.judge(claim=other.key, act=Act.CONFIRM, seen=State.PROPOSED, by="lee")
    (held,) = (each for each in history.meetings() if each.number == 8)
    areas = {each.text: each.checked for each in held.of(Field.AREA)}
    assert area.value["text"] not in areas
    assert areas[other.value["text"]]
    text = page(f"/programme/meetings/{row.key}")
    assert "No officer has checked it yet." not in text
    assert "As read, not yet checked by an officer" in text


def test_the_data_say_what_the_pages_say(told):
    rows = json.loads(page("/programme/meetings.json"))["meetings"]
    assert [row["number"] for row in rows] == list(range(1, 20))
    assert rows[16]["mode"] == "video"
    assert rows[16]["place"] is None
    assert rows[7]["date"] == "2013-07-26"
    graph = json.loads(page("/programme/meetings.jsonld"))["@graph"]
    assert graph[7]["startDate"] == "2013-07-26"
    table = list(csv.DictReader(io.StringIO(page("/programme/meetings.csv").removeprefix("\ufeff"))))
    assert [row["date"] for row in table] == [row["date"] for row in rows]
    calendar = Calendar.from_ical(page("/programme/meetings.ics"))
    assert len(calendar.walk("VEVENT")) == 19
    assert str(calendar.walk("VEVENT")[7]["DTSTART"].dt) == "2013-07-26"


def test_the_api_tells_the_same_as_the_file(told):
    row = meeting(8)
    claim = Claim.objects.filter(meeting=row, field=Field.AREA.value).first()
    deciding.judge(claim=claim.key, act=Act.REJECT, seen=State.PROPOSED, by="lee")
    answer = Client().get("/api/v1/programme/history")
    assert answer.status_code == 200
    assert answer.json() == json.loads(page("/programme/meetings.json"))
    assert len(answer.json()["meetings"]) == 19
    assert claim.value["text"] not in answer.json()["meetings"][7]["areas"]


def test_a_meeting_without_a_day_is_in_no_calendar(read_in):
    read_in("seen/twentieth.txt")
    assert Calendar.from_ical(page("/programme/meetings.ics")).walk("VEVENT") == []
    assert "Monday (20th)" in page("/programme/")
