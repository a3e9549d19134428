"""A stored record is read again: decisions stay, what differs is shown, nothing comes twice."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from django.urls import reverse

from kouan.apps.programme import errors
from kouan.apps.programme.domain import Act, State
from kouan.apps.programme.models import Claim, Judgement, Meeting, Record
from kouan.apps.programme.records import deciding, queries, rereading, rules
from kouan.cli import main

TEXT = (
    "The 21st plenary meeting of the Hong Kong/Guangdong Expert Group on Co-operation in Informatisation was "
    "held in Guangzhou on 17 September 2026. Representatives from the Harbour Digital Authority and the "
    "Marine Department attended the meeting."
)

CIRCLE = """[[groups]]
code = "harbour"
kind = "expert-group"
name = { en = "Harbour Circle", zh-hant = "海港圈", zh-hans = "海港圈" }
patterns = ["Harbour Circle"]
"""


def claims_of(record):
    return list(
        record.claims.order_by("pk").values_list(
            "pk", "field", "identity", "value", "state", "reread", "meeting_id", "start"
        )
    )


def harbour(code="harbour-board"):
    return (
        f'[[bodies]]\ncode = "{code}"\nside = "hk"\n[[bodies.names]]\n'
        'en = "Harbour Digital Authority"\nzh-hant = "海港數碼局"\nzh-hans = "海港数码局"\n'
    )


@pytest.mark.parametrize(
    "name", ["seen/page-of-plenaries.txt", "unseen/d-page.html", "unseen/m-chinese-others.txt"]
)
def test_reading_again_with_the_same_rules_changes_nothing(read_in, name):
    record = read_in(name).record
    before, meetings = claims_of(record), Meeting.objects.count()
    for _round in range(2):
        assert rereading.reread(record=record.key, by="lee").same
    assert (claims_of(record), Meeting.objects.count()) == (before, meetings)
    record.refresh_from_db()
    assert record.reread_by == "lee"


@pytest.mark.parametrize(
    "file", ["records/reading/mentions.py", "records/reading/mentions.toml", "data/groups.toml"]
)
def test_other_words_are_other_rules(tmp_path, monkeypatch, file):
    package = Path(rules.__file__).parents[1]
    for part in ("data", "records/reading"):
        shutil.copytree(package / part, tmp_path / part)
    monkeypatch.setattr(rules, "resources", SimpleNamespace(files=lambda _package: tmp_path))
    rules._rules.cache_clear()
    before = rules.rules_now()
    with (tmp_path / file).open("a", encoding="utf-8") as words:
        words.write("# changed\n")
    rules._rules.cache_clear()
    assert rules.rules_now() != before
    rules._rules.cache_clear()


def test_a_meeting_without_number_and_date_is_not_doubled(read_in):
    text = "The Hong Kong/Guangdong Expert Group on Co-operation in Informatisation held a meeting in Foshan."
    record = read_in("a.txt", text).record
    assert [each.number for each in queries.meetings()] == [None]
    assert rereading.reread(record=record.key, by="lee").same
    assert Meeting.objects.count() == 1


def test_a_body_that_the_dictionary_learns_reads_otherwise_and_is_no_second_one(read_in, own_words):
    record = read_in("a.txt", TEXT).record
    assert rereading.outdated() == []
    before = Claim.objects.filter(field="body").count()
    own_words("bodies", harbour())
    assert rereading.outdated() == [record.key]
    done = rereading.reread(record=record.key, by="lee")
    assert (done.new, done.changed, done.gone, done.contested) == (0, 1, 0, 0)
    assert Claim.objects.filter(field="body").count() == before
    changed = Claim.objects.get(reread="changed")
    assert (changed.value["code"], changed.other["code"]) == ("harbour-board", "")
    assert rereading.outdated() == []
    assert rereading.reread(record=record.key, by="lee").same


def test_what_an_officer_decided_stays_and_is_shown_beside_what_is_read_now(read_in, own_words):
    record = read_in("a.txt", TEXT).record
    body = Claim.objects.get(value__text="Harbour Digital Authority")
    deciding.judge(
        claim=body.key, act=Act.CORRECT, seen=State.PROPOSED, by="chan", value="Harbour Board of Hong Kong"
    )
    other = Claim.objects.get(field="body", value__code="marine")
    deciding.judge(claim=other.key, act=Act.REJECT, seen=State.PROPOSED, by="chan")
    own_words("bodies", harbour())
    done = rereading.reread(record=record.key, by="lee")
    assert (done.new, done.changed, done.gone, done.contested) == (0, 0, 0, 1)
    body.refresh_from_db()
    other.refresh_from_db()
    assert (body.state, body.said["text"], body.decided_by) == (
        "corrected",
        "Harbour Board of Hong Kong",
        "chan",
    )
    assert (body.reread, body.other["code"]) == ("changed", "harbour-board")
    assert (other.state, other.reread) == ("rejected", "")
    assert Judgement.objects.count() == 2


def test_what_is_gone_counts_no_more_until_an_officer_says_so(read_in, own_words):
    own_words("groups", CIRCLE)
    text = "The third meeting of the Harbour Circle was held in Macao on 3 May 2024."
    record = read_in("a.txt", text).record
    assert [(each.group, each.number) for each in queries.meetings()] == [("harbour", 3)]
    own_words("groups", "")
    done = rereading.reread(record=record.key, by="lee")
    assert (done.new, done.gone) == (0, record.claims.count())
    assert queries.meetings() == []
    assert rereading.reread(record=record.key, by="lee").same
    assert deciding.confirm_all(record=record.key, by="lee") == 0
    held = Claim.objects.get(field="held")
    deciding.judge(claim=held.key, act=Act.CONFIRM, seen=State.PROPOSED, by="lee")
    assert [each.number for each in queries.meetings()] == [3]
    assert deciding.reject_gone(record=record.key, by="lee") == record.claims.count() - 1
    assert set(Claim.objects.values_list("state", flat=True)) == {"confirmed", "rejected"}


def test_what_is_new_waits_with_its_mark(read_in, own_words):
    own_words("places", "")
    record = read_in("a.txt", TEXT.replace("Guangzhou", "the third hall")).record
    assert Meeting.objects.get().place == ""
    own_words("places", '[[places]]\ncode = "hall"\nname = { en = "Hall", zh-hant = "堂", zh-hans = "堂" }\n'
        'names = ["Third Hall", "Guangzhou"]\n')  # fmt: skip
    Record.objects.filter(pk=record.pk).update(text=record.text.replace("the third hall", "Third Hall"))
    done = rereading.reread(record=record.key, by="lee")
    assert done.new == 2
    assert set(Claim.objects.filter(reread="new").values_list("field", flat=True)) == {"place", "mode"}
    assert Meeting.objects.get().place == "hall"


def test_a_number_that_an_officer_put_right_stays_with_all_that_its_record_says(read_in):
    record = read_in("a.txt", TEXT).record
    held = Claim.objects.get(field="held")
    deciding.judge(claim=held.key, act=Act.CORRECT, seen=State.PROPOSED, by="lee", value="22")
    before = claims_of(record)
    assert rereading.reread(record=record.key, by="lee").same
    assert claims_of(record) == before
    assert [(each.number, each.date) for each in queries.meetings()] == [(22, "2026-09-17")]


def test_an_unknown_record_is_said(db):
    with pytest.raises(errors.UnknownRecord):
        rereading.reread(record=uuid.uuid4(), by="lee")


def test_the_program_reads_again_what_is_out_of_date(read_in, own_words):
    record = read_in("a.txt", TEXT).record
    done = CliRunner().invoke(main, ["programme", "reread"])
    assert (done.exit_code, "with the rules and dictionaries of today" in done.output) == (0, True)
    own_words("bodies", harbour())
    done = CliRunner().invoke(main, ["programme", "reread"])
    assert "a.txt: The record was read again: 0 new, 1 read otherwise, 0 no longer read." in done.output
    done = CliRunner().invoke(main, ["programme", "reread", str(record.key)])
    assert "reads as it did before" in done.output
    done = CliRunner().invoke(main, ["programme", "reread", str(uuid.uuid4())])
    assert (done.exit_code, "This record is not here" in done.output) == (1, True)


def test_an_officer_reads_again_and_sees_what_differs(officer, read_in, own_words):
    record = read_in("a.txt", TEXT).record
    own_words("bodies", harbour())
    page = officer.get(reverse("programme:records")).content.decode()
    assert "1 record was last read with other rules" in page
    page = officer.post(reverse("programme:records-reread"), follow=True).content.decode()
    assert "1 record was read again. In 1 of them" in page
    claim = Claim.objects.get(reread="changed")
    path = reverse("programme:claim", args=[record.key, claim.key])
    assert "It was read as “Harbour Digital Authority” before." in officer.get(path).content.decode()
    own_words("bodies", "")
    page = officer.post(reverse("programme:record-reread", args=[record.key]), follow=True).content.decode()
    assert "1 read otherwise" in page
    assert "Reads otherwise now" in page
    Claim.objects.filter(pk=claim.pk).update(reread="gone")
    path = reverse("programme:record-reject-gone", args=[record.key])
    assert "1 value is rejected" in officer.post(path, follow=True).content.decode()
