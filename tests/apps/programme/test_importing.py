"""Records are read in once; what officers decided stays; sources that disagree are both kept."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
import sys
import time
import uuid
from contextlib import closing

import pytest
from click.testing import CliRunner
from django.db import connection

from apps.programme.conftest import RECORDS
from kouan.apps.programme import errors
from kouan.apps.programme.domain import Act, Field, State
from kouan.apps.programme.models import Claim, Judgement, Meeting, Record
from kouan.apps.programme.records import deciding, queries, rules
from kouan.apps.programme.records.reading import dictionary
from kouan.cli import main
from kouan.node.layout import NewNode, create
from pace import patience, slowness

GROUP = "Hong Kong/Guangdong Expert Group on Co-operation in Informatisation"
FIVE = sorted((RECORDS / "seen").glob("*.txt"))


def one(field, **more):
    return Claim.objects.get(field=field.value, **more)


def test_five_records_give_every_meeting_once(read_in):
    for path in FIVE:
        assert not read_in(f"seen/{path.name}").again
    found = {(each.group, each.number): each for each in queries.meetings()}
    assert [number for group, number in found if group == "informatisation"] == list(range(1, 21))
    assert found["informatisation", 13].date == "2018-06-27"
    assert found["informatisation", 20].date == ""
    assert found["informatisation", 17].mode == "video"
    assert found["smart-city-cluster", 2].place == ""
    twentieth = found["informatisation", 20]
    assert [each.said["name"] for each in twentieth.of("chair")] == ["Wong Chi-kwong", "Qu Xiaojie"]
    assert all(each.sources[0].sentence for each in twentieth.values)


def test_the_same_bytes_again_change_nothing(read_in):
    first = read_in("seen/twentieth.txt")
    again = read_in("seen/twentieth.txt")
    assert again.again
    assert again.record == first.record
    assert Record.objects.count() == 1


def test_nearly_the_same_words_are_a_repetition(read_in):
    first = read_in("unseen/q-video.txt").record
    text = (RECORDS / "unseen/q-video.txt").read_text(encoding="utf-8")
    second = read_in("copy.txt", "From our news desk\n\n" + text.replace("keep working", "keep going")).record
    assert second.repeats == first
    assert second.relation == Record.Relation.NEARLY
    meeting = queries.meetings()[0]
    assert len(queries.meetings()) == 1
    assert all(len(each.sources) == 2 for each in meeting.of("body"))


def test_the_same_text_in_the_other_chinese_script_is_a_repetition(read_in):
    import opencc  # noqa: PLC0415 - only here

    traditional = (RECORDS / "unseen/b-traditional-release.txt").read_text(encoding="utf-8")
    first = read_in("unseen/b-traditional-release.txt").record
    second = read_in("simplified.txt", opencc.OpenCC("t2s").convert(traditional)).record
    assert (second.repeats, second.relation) == (first, Record.Relation.SCRIPT)


def test_the_same_meeting_told_in_english_and_chinese_is_a_repetition_in_another_script(read_in):
    first = read_in("unseen/a-english-release.txt").record
    second = read_in("unseen/b-traditional-release.txt").record
    assert (second.repeats, second.relation) == (first, Record.Relation.SCRIPT)
    row = Meeting.objects.get(group="informatisation", number=21)
    assert (row.date, row.place, row.conflicts) == ("2026-09-17", "guangzhou", [])


def test_sources_that_disagree_are_both_kept_until_an_officer_decides(read_in):
    read_in("seen/page-of-plenaries.txt")
    read_in("unseen/p-page.html")
    row = Meeting.objects.get(group="informatisation", number=19)
    assert row.conflicts == ["place"]
    assert row.place == ""
    right = Claim.objects.get(meeting=row, field="place", value__code="guangzhou")
    deciding.judge(claim=right.key, act=Act.CONFIRM, seen=State.PROPOSED, by="lee")
    row.refresh_from_db()
    assert (row.place, row.conflicts) == ("guangzhou", [])
    assert Claim.objects.filter(meeting=row, field="place").count() == 2
    deciding.judge(claim=right.key, act=Act.REOPEN, seen=State.CONFIRMED, by="lee")
    row.refresh_from_db()
    assert row.conflicts == ["place"]


def test_a_date_that_is_less_precise_is_no_conflict(read_in):
    read_in("seen/page-of-plenaries.txt")
    read_in("unseen/e-several.txt")
    row = Meeting.objects.get(group="informatisation", number=2)
    assert (row.date, row.place, row.conflicts) == ("2007-06-22", "cyberport", [])


def test_reading_again_never_undoes_a_decision(read_in):
    read_in("seen/page-of-plenaries.txt")
    row = Meeting.objects.get(group="informatisation", number=12)
    wrong = Claim.objects.get(meeting=row, field="date")
    deciding.judge(claim=wrong.key, act=Act.CORRECT, seen=State.PROPOSED, by="lee", value="2017-07-06")
    read_in("seen/page-of-plenaries.txt")
    read_in("unseen/l-simplified-history.txt")
    row.refresh_from_db()
    assert row.date == "2017-07-06"
    assert row.conflicts == []


def test_a_rejected_meeting_is_shown_no_more(read_in):
    read_in("unseen/e-several.txt")
    held = one(Field.HELD, meeting__number=15)
    deciding.judge(claim=held.key, act=Act.REJECT, seen=State.PROPOSED, by="lee", reason="Another group.")
    assert 15 not in [each.number for each in queries.meetings()]
    assert Judgement.objects.get().reason == "Another group."


def test_two_officers_do_not_overwrite_each_other(read_in):
    read_in("unseen/e-several.txt")
    held = one(Field.HELD, meeting__number=15)
    deciding.judge(claim=held.key, act=Act.CONFIRM, seen=State.PROPOSED, by="lee")
    with pytest.raises(errors.ClaimDecided):
        deciding.judge(claim=held.key, act=Act.REJECT, seen=State.PROPOSED, by="chan")
    with pytest.raises(errors.UnknownClaim):
        deciding.judge(claim=uuid.uuid4(), act=Act.REJECT, seen=State.PROPOSED, by="chan")
    assert Judgement.objects.count() == 1


@pytest.mark.parametrize("value", ["31 June", "2024-06-31", "2024-13", "", "20240101", "x" * 700])
def test_a_correction_that_no_calendar_has_changes_nothing(read_in, value):
    read_in("unseen/e-several.txt")
    when = one(Field.DATE, meeting__number=15)
    with pytest.raises(errors.BadCorrection):
        deciding.judge(claim=when.key, act=Act.CORRECT, seen=State.PROPOSED, by="lee", value=value)
    when.refresh_from_db()
    assert when.state == State.PROPOSED
    assert not Judgement.objects.exists()


def correct(claim, value="", **more):
    return deciding.judge(
        claim=claim.key, act=Act.CORRECT, seen=State(claim.state), by="lee", value=value, **more
    )


@pytest.mark.parametrize(
    ("value", "code"),
    [("Digital Policy Office", "dpo"), ("the Marine  department", "marine"), ("Harbour Circle", "")],
)
def test_a_corrected_body_is_the_one_that_the_dictionary_knows(read_in, value, code):
    read_in("unseen/e-several.txt")
    done = correct(one(Field.BODY, value__code="itc"), value)
    assert (done.said["code"], done.said["text"]) == (code, " ".join(value.split()))


def test_a_corrected_place_and_area_are_those_that_the_dictionary_knows(read_in):
    read_in("unseen/e-several.txt")
    place = one(Field.PLACE, meeting__number=1)
    assert correct(place, "Cyberport").meeting_id == place.meeting_id
    assert Meeting.objects.get(number=1).place == "cyberport"
    place.refresh_from_db()
    correct(place, "A garden")
    assert Meeting.objects.get(number=1).place == "A garden"
    read_in("unseen/a-english-release.txt")
    area = Claim.objects.filter(field="area").exclude(value__theme="customs-clearance").first()
    assert correct(area, "customs clearance").said["theme"] == "customs-clearance"


def test_a_corrected_number_takes_along_what_its_record_says(read_in):
    read_in("seen/page-of-plenaries.txt")
    record = read_in("unseen/e-several.txt").record
    held = one(Field.HELD, record=record, meeting__number=15)
    same = record.claims.filter(meeting__number=15).count()
    correct(held, "14")
    assert record.claims.filter(meeting__number=14).count() == same > 3
    assert not record.claims.filter(meeting__number=15).exists()
    assert Meeting.objects.get(number=14).conflicts == ["date", "mode"]
    assert Meeting.objects.get(number=15).conflicts == []
    held.refresh_from_db()
    deciding.judge(claim=held.key, act=Act.REJECT, seen=State.CORRECTED, by="lee")
    assert record.claims.filter(meeting__number=15).count() == same
    assert Meeting.objects.get(number=14).conflicts == []


def test_a_meeting_left_by_its_only_record_is_shown_no_more_and_one_need_have_no_number(read_in):
    read_in("unseen/e-several.txt")
    held = correct(one(Field.HELD, meeting__number=15), "17")
    assert [each.number for each in queries.meetings()] == [1, 2, 16, 17]
    correct(held, "")
    assert [each.number for each in queries.meetings()] == [None, 1, 2, 16]
    assert Meeting.objects.get(number=None).date == "2020-08-07"


@pytest.mark.parametrize("value", ["0", "-1", "1000", "1.5", "fifteenth", "16"])
def test_a_number_that_no_meeting_has_or_that_the_record_tells_of_changes_nothing(read_in, value):
    read_in("unseen/e-several.txt")
    with pytest.raises(errors.BadCorrection):
        correct(one(Field.HELD, meeting__number=15), value)
    assert one(Field.HELD, meeting__number=15).state == State.PROPOSED
    assert not Judgement.objects.exists()


def test_an_office_is_corrected_with_the_name_or_alone(read_in):
    read_in("seen/twentieth.txt")
    chair = one(Field.CHAIR, value__name="Qu Xiaojie")
    assert correct(chair, office="Director-General").said["name"] == "Qu Xiaojie"
    chair.refresh_from_db()
    assert chair.said["office"] == "Director-General"
    assert correct(chair, "Qu Xiao Jie", office="").said["office"] == ""
    chair.refresh_from_db()
    assert correct(chair, "Qu Xiaojie").said["office"] == chair.value["office"]


def test_an_impossible_date_is_kept_as_words_with_a_warning(read_in):
    record = read_in("unseen/h-faults.txt").record
    assert {"code": "impossible-date", "text": "31 September 2026"} in record.warnings
    row = Meeting.objects.get(group="informatisation", number=21)
    assert (row.date, row.date_text) == ("", "31 September 2026")


def test_numbers_that_skip_and_repeat_are_pointed_out(read_in):
    read_in("unseen/h-faults.txt")
    assert [(each.code, each.numbers) for _name, each in queries.odd()] == [("number-skips", (22,))]
    assert Meeting.objects.get(number=23).conflicts == ["date", "place"]


def test_confirming_all_leaves_what_was_decided(read_in):
    record = read_in("unseen/e-several.txt").record
    held = one(Field.HELD, meeting__number=15)
    deciding.judge(claim=held.key, act=Act.REJECT, seen=State.PROPOSED, by="lee")
    count = deciding.confirm_all(record=record.key, by="lee")
    assert count == Claim.objects.filter(state="confirmed").count() > 5
    held.refresh_from_db()
    assert held.state == State.REJECTED
    assert deciding.confirm_all(record=record.key, by="lee") == 0


@pytest.mark.sqlite
def test_one_command_reads_the_five_records_into_a_new_node_in_five_seconds(db, tmp_path):
    path = create(tmp_path / "hk", NewNode(side="hk", portal="127.0.0.1:18100", door="127.0.0.1:18101"))
    with closing(sqlite3.connect(path.parent / "kouan.sqlite3")) as kept:
        kept.executescript(
            "\n".join(connection.connection.iterdump())
        )  # migrated once for all tests of this run
    own = {key: value for key, value in os.environ.items() if not key.startswith("KOUAN_")}
    command = [
        sys.executable,
        "-c",
        "from kouan.cli import main; main()",
        "--node",
        path,
        "programme",
        "import",
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([*command, *FIVE], env=own, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    # Its own time, start-up included, at the pace of this moment, and half as much again: a machine that has
    # other work to do slows a process down in more than that.
    own_time = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert own_time < 5 * 1.5 * slowness.__wrapped__()
    with closing(sqlite3.connect(path.parent / "kouan.sqlite3")) as kept:
        (plenaries,) = kept.execute(
            "SELECT count(*) FROM programme_meeting WHERE \"group\" = 'informatisation'"
        ).fetchone()
    assert plenaries == 20


def test_the_program_prints_meetings_as_json_and_keeps_nothing(db):
    began = time.process_time()
    done = CliRunner().invoke(main, ["programme", "import", "--json", *map(str, FIVE)])
    assert done.exit_code == 0, done.output
    assert time.process_time() - began < patience(5)
    rows = json.loads(done.output)
    twelfth = next(row for row in rows if row["group_id"] == "informatisation" and row["number"] == 12)
    assert twelfth["group"] == "Hong Kong/Guangdong Expert Group on Co-operation in Informatisation"
    assert (twelfth["date"], twelfth["place"], twelfth["mode"]) == ("2017-07-05", "Hong Kong", "in-person")
    assert len(twelfth["areas"]) == 6
    assert twelfth["chairs"] == []
    places = [each for each in twelfth["sources"] if each["field"] == "place"]
    assert places[0]["sentence"].startswith("The twelfth plenary meeting")
    assert not Record.objects.exists()


def printed(*paths, code=0):
    done = CliRunner().invoke(main, ["programme", "import", "--json", *map(str, paths)])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout), done.stderr


def write(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_files_of_one_name_are_not_mixed_up_in_what_is_printed(db, tmp_path):
    paths = [
        write(tmp_path / place / "release.txt", f"The {GROUP} held a meeting in {place}.")
        for place in ("Foshan", "Zhuhai")
    ]
    rows, _said = printed(*paths)
    assert [(row["number"], row["place"]) for row in rows] == [(None, "Foshan"), (None, "Zhuhai")]


def test_a_meeting_without_number_is_printed_once_for_its_day(db, tmp_path):
    one = write(tmp_path / "one.txt", f"The {GROUP} held a meeting in Foshan on 3 May 2024.")
    two = write(tmp_path / "two.txt", f"On 3 May 2024 the {GROUP} held a meeting.")
    last = write(tmp_path / "last.txt", f"The {GROUP} held a meeting in 2024.")
    rows, _said = printed(one, two, last)
    assert [(row["date"], row["place"]) for row in rows] == [("2024", None), ("2024-05-03", "Foshan")]
    assert {each["record"] for each in rows[1]["sources"]} == {"one.txt", "two.txt"}
    with_number = write(
        tmp_path / "number.txt", f"The 18th plenary meeting of the {GROUP} was held on 3 May 2024."
    )
    rows, _said = printed(one, with_number)
    assert [(row["number"], row["place"]) for row in rows] == [(18, "Foshan")]


def test_the_program_prints_what_it_could_read_and_says_what_it_could_not(db, tmp_path):
    bad = tmp_path / "photo.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    rows, said = printed(bad, RECORDS / "unseen/e-several.txt", code=1)
    assert [row["number"] for row in rows] == [1, 2, 15, 16]
    assert "“photo.png” is neither text nor HTML nor PDF" in said
    assert "Not every file could be read; the others are printed." in said


def test_the_program_says_what_it_kept_and_what_it_could_not_read(db, tmp_path):
    bad = tmp_path / "photo.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    done = CliRunner().invoke(main, ["programme", "import", str(bad), str(RECORDS / "unseen/e-several.txt")])
    assert done.exit_code == 1
    assert "“photo.png” is neither text nor HTML nor PDF" in done.output
    assert "e-several.txt: 4 meetings" in done.output
    assert Record.objects.count() == 1


def test_a_dictionary_of_the_nodes_own_adds_to_the_packages(db, settings, tmp_path):
    from dataclasses import replace  # noqa: PLC0415 - only here

    settings.NODE = replace(settings.NODE, home=tmp_path)
    (tmp_path / "programme").mkdir()
    (tmp_path / "programme" / "bodies.toml").write_text(
        '[[bodies]]\ncode = "harbour-board"\nside = "hk"\n[[bodies.names]]\n'
        'en = "Harbour Digital Board"\nzh-hant = "海港數碼局"\nzh-hans = "海港数码局"\n',
        encoding="utf-8",
    )
    assert rules.words().bodies["harbour-board"].side == "hk"
    assert "dpo" in rules.words().bodies
    (tmp_path / "programme" / "colours.toml").write_text("", encoding="utf-8")
    dictionary.load.cache_clear()
    with pytest.raises(errors.BadDictionary):
        rules.words()
    dictionary.load.cache_clear()
