"""The officers' pages: a record beside what was read in it."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.programme.conftest import RECORDS
from kouan.apps.programme.domain import Act, State
from kouan.apps.programme.models import Claim, Judgement, Record
from kouan.apps.programme.records import deciding

LIST = "/programme/records/"


def text_of(response):
    return response.content.decode()


@pytest.mark.parametrize("role", [None, "evidence"])
def test_the_pages_are_for_officers_of_the_programme(db, role):
    client = Client()
    if role:
        client.force_login(User.objects.create_user("other"))
    for path in (LIST, f"{LIST}{uuid.uuid4()}/", f"{LIST}{uuid.uuid4()}/values/{uuid.uuid4()}"):
        assert client.get(path).status_code == (403 if role else 302)


def test_a_record_is_read_in_by_upload_and_stands_beside_its_values(officer):
    data = (RECORDS / "seen/smart-city.txt").read_bytes()
    done = officer.post(LIST, {"file": SimpleUploadedFile("release.txt", data)}, follow=True)
    page = text_of(done)
    assert "values were read and wait for you" in page
    assert "Xiong Xiong" in page
    assert '<mark id="s' in page
    again = officer.post(LIST, {"file": SimpleUploadedFile("release.txt", data)}, follow=True)
    assert "This record is here already" in text_of(again)
    assert Record.objects.count() == 1


def test_a_repetition_leads_to_the_record_that_it_repeats(officer, read_in):
    first = read_in("unseen/q-video.txt").record
    second = read_in("copy.txt", "From our news desk\n\n" + first.text).record
    page = text_of(officer.get(f"{LIST}{second.key}/"))
    assert f'nearly the same as another record: <a class="govuk-link" href="{LIST}{first.key}/">' in page


def test_a_file_that_is_no_record_is_refused_on_the_page(officer):
    done = officer.post(LIST, {"file": SimpleUploadedFile("photo.png", b"\x89PNG\x00\x00")})
    assert done.status_code == 422
    assert "neither text nor HTML nor PDF" in text_of(done)
    assert officer.post(LIST, {}).status_code == 422


def test_a_value_is_confirmed_corrected_and_rejected_with_its_story(officer, read_in):
    record = read_in("seen/twentieth.txt").record
    when = Claim.objects.get(field="date", record=record)
    path = reverse("programme:claim", args=[record.key, when.key])
    assert "Monday (20th)" in text_of(officer.get(path))
    bad = officer.post(path, {"act": "correct", "value": "2025-02-30", "seen": "proposed"})
    assert bad.status_code == 422
    assert "a date that there is" in text_of(bad)
    assert officer.post(path, {"act": "correct", "value": "", "seen": "proposed"}).status_code == 422
    done = officer.post(
        path, {"act": "correct", "value": "2025-10-20", "seen": "proposed", "reason": "The paper."}
    )
    assert done.status_code == 302
    when.refresh_from_db()
    assert when.meeting.date == "2025-10-20"
    assert "The paper." in text_of(officer.get(path))
    late = officer.post(path, {"act": "reject", "seen": "proposed"})
    assert late.status_code == 409
    assert Judgement.objects.count() == 1


def test_a_chairs_office_and_a_meetings_number_are_put_right_on_their_pages(officer, read_in):
    record = read_in("seen/twentieth.txt").record
    chair = Claim.objects.get(field="chair", value__name="Qu Xiaojie")
    path = reverse("programme:claim", args=[record.key, chair.key])
    assert f'value="{chair.value["office"]}"' in text_of(officer.get(path))
    said = {"act": "correct", "value": "", "seen": "proposed"}
    assert officer.post(path, said | {"office": chair.value["office"]}).status_code == 422
    assert officer.post(path, said | {"office": "Director-General"}).status_code == 302
    chair.refresh_from_db()
    assert (chair.said["name"], chair.said["office"]) == ("Qu Xiaojie", "Director-General")
    held = Claim.objects.get(field="held")
    path = reverse("programme:claim", args=[record.key, held.key])
    page = text_of(officer.get(path))
    assert 'value="20"' in page
    assert "Only its number, from 1 to 999" in page
    bad = officer.post(path, said | {"value": "twentieth"})
    assert (bad.status_code, "a number from 1 to 999" in text_of(bad)) == (422, True)
    assert officer.post(path, said | {"value": "21"}).status_code == 302
    assert "meeting 21" in text_of(officer.get(path))


def test_all_that_is_left_is_confirmed_at_once(officer, read_in):
    record = read_in("seen/twentieth.txt").record
    done = officer.post(reverse("programme:record-confirm", args=[record.key]), follow=True)
    assert "values are confirmed" in text_of(done)
    assert not Claim.objects.filter(state="proposed").exists()


def test_conflicts_and_odd_numbers_stand_on_the_list(officer, read_in):
    read_in("unseen/h-faults.txt")
    page = text_of(officer.get(LIST))
    assert "meeting 23 disagree" in page
    assert "No record tells of meeting 22" in page
    first = Claim.objects.filter(field="date", meeting__number=23).first()
    shown = text_of(officer.get(reverse("programme:claim", args=[first.record.key, first.key])))
    assert "Another source says otherwise" in shown
    deciding.judge(claim=first.key, act=Act.CONFIRM, seen=State.PROPOSED, by="lee")
    assert "Date: 2028-05-04" not in text_of(officer.get(LIST))


@pytest.mark.parametrize("language", ["zh-hant", "zh-hans"])
def test_the_pages_speak_both_chinese_scripts(officer, read_in, language):
    record = read_in("seen/twentieth.txt").record
    claim = Claim.objects.filter(record=record).first()
    for path in (LIST, f"{LIST}{record.key}/", reverse("programme:claim", args=[record.key, claim.key])):
        page = text_of(officer.get(path, headers={"accept-language": language}))
        assert "Confirm" not in page
        assert "Records" not in page


def test_what_is_not_there_is_said(officer, read_in):
    record = read_in("seen/twentieth.txt").record
    assert officer.get(f"{LIST}{uuid.uuid4()}/").status_code == 404
    assert officer.get(f"{LIST}{record.key}/values/{uuid.uuid4()}").status_code == 404
