"""How well records are read: the five public ones, and others in shapes that the rules were not made from."""

from __future__ import annotations

import tomllib

import pytest

from apps.programme.records.measure import HERE, LISTS, SCALARS, measured, read
from kouan.apps.programme.domain import Field
from kouan.apps.programme.records.reading import dictionary, places, reader

PRECISION = 0.98
RECALL = 0.95


@pytest.mark.parametrize("folder", ["seen", "unseen", "further", "fresh"])
def test_what_is_read_is_right_and_hardly_anything_is_missed(folder):
    right, wrong, missed, which = measured(folder)
    assert sum(right.values()) > 60
    for field in ("meeting", *SCALARS, *LISTS):
        if right[field] + missed[field] + wrong[field]:
            precision = right[field] / max(1, right[field] + wrong[field])
            recall = right[field] / max(1, right[field] + missed[field])
            here = [each for each in which if each[3] == field]
            assert precision >= PRECISION, (field, here)
            assert recall >= RECALL, (field, here)


@pytest.mark.parametrize("folder", ["seen", "unseen", "further", "fresh"])
def test_every_value_stands_in_its_sentence(folder):
    for path in sorted((HERE / folder).glob("*.[th]*")):
        if path.suffix == ".toml":
            continue
        taken, reading = read(path)
        findings = [each for meeting in reading.meetings for each in meeting.findings] + list(reading.others)
        for each in findings:
            assert 0 <= each.start <= each.mark_start < each.mark_end <= each.end <= len(taken.text)
            said = each.value.get("name") or (
                each.value.get("text") if each.field not in {Field.BODY, Field.AREA} else ""
            )
            if said and each.field not in {
                Field.DECISION,
                Field.EVENT,
                Field.AGREEMENT,
                Field.PLACE,
                Field.DATE,
            }:
                assert str(said) in taken.text[each.start : each.end]


@pytest.mark.parametrize(
    ("more", "confidence", "sentence"),
    [("", places.BY_PLACE, "was held in Foshan"), (" The meeting was held in person.", 95, "in person")],
)
def test_that_a_meeting_was_in_person_is_less_sure_where_its_place_alone_says_so(more, confidence, sentence):
    text = (
        "The 18th plenary meeting of the Hong Kong/Guangdong Expert Group on Co-operation in Informatisation "
        f"was held in Foshan on 3 May 2024.{more}"
    )
    (mode,) = reader.read(text, dictionary.load()).meetings[0].of(Field.MODE)
    assert (mode.value["mode"], mode.confidence) == ("in-person", confidence)
    assert sentence in text[mode.start : mode.end]


def test_the_sheets_hold_every_record():
    for folder in ("seen", "unseen", "further", "fresh"):
        sheet = tomllib.loads((HERE / folder / "answers.toml").read_text(encoding="utf-8"))
        names = {path.stem for path in (HERE / folder).glob("*.[th]*") if path.suffix != ".toml"}
        assert set(sheet) <= names
        assert len(names) >= 5
