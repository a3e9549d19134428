"""Rules about records: what several sources come to, how alike texts are, what is odd in a row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kouan.apps.programme.domain import Field, Said, State, is_date, likeness, oddities, settle, sketch
from kouan.apps.programme.records.reading import dates, dictionary, mentions
from kouan.apps.programme.records.reading.text import clean, fold, mended, script_of, sentences


def day(iso, state=State.PROPOSED, confidence=90):
    return Said({"iso": iso, "text": iso}, state, confidence)


@pytest.mark.parametrize(
    ("said", "value", "conflict"),
    [
        ([], None, 0),
        ([day("2024-10"), day("2024-10-09")], "2024-10-09", 0),
        ([day("2024-10-08"), day("2024-10-09")], None, 2),
        ([day("2024-10-08"), day("2024-10-09", State.CONFIRMED)], "2024-10-09", 0),
        ([day("2024-10-08", State.REJECTED), day("2024-10-09")], "2024-10-09", 0),
        ([day(""), day("2024")], "2024", 0),
        ([day("2024-09", State.CORRECTED), day("2024-10", State.CONFIRMED)], None, 2),
    ],
)
def test_dates_of_several_sources_come_to_one_or_to_a_conflict(said, value, conflict):
    settled = settle(Field.DATE, said)
    assert (settled.value["iso"] if settled.value else None) == value
    assert len(settled.conflict) == conflict


@given(st.lists(st.builds(day, st.sampled_from(["2024", "2024-10", "2024-10-09", "2023", ""])), max_size=5))
def test_settling_does_not_depend_on_the_order(said):
    one, two = settle(Field.DATE, said), settle(Field.DATE, said[::-1])
    assert (one.value or {}).get("iso") == (two.value or {}).get("iso")
    assert bool(one.conflict) == bool(two.conflict)


def test_a_venue_and_its_city_agree():
    said = [
        Said({"code": "hong-kong", "text": "Hong Kong"}),
        Said({"code": "cyberport", "text": "Cyberport"}),
    ]
    settled = settle(Field.PLACE, said, within={"cyberport": "hong-kong"}.get)
    assert settled.value == said[1].value


def test_a_row_of_meetings_shows_what_is_odd_in_it():
    assert oddities([(1, "2006-05"), (2, "2007"), (3, "")]) == []
    assert [each.code for each in oddities([(1, "2006"), (4, "2005")])] == [
        "number-skips",
        "number-against-date",
    ]


def test_texts_are_alike_by_their_words():
    one = "The two sides met in Guangzhou and agreed on the work plan for the coming year in five areas. " * 3
    assert likeness(sketch(one), sketch(one.upper().replace("coming", "next"))) > 0.6
    assert (
        likeness(sketch(one), sketch("Something else altogether was said at another place on that day.")) == 0
    )


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("on 9 October 2024",  "2024-10-09"), ("October 9, 2024",  "2024-10-09"), ("9 to 10 Oct 2024",
        "2024-10-09"),
        ("2024-10-09",  "2024-10-09"), ("in October 2024",  "2024-10"), ("in 2006.",  "2006"),
        ("13/10/2024",  "2024-10-13"),
        ("9/10/2024",  "2024"), ("2024年10月9日",  "2024-10-09"), ("二〇二四年十月九日",  "2024-10-09"),
        ("2024年10月",  "2024-10"),
        ("二零一九年七月十二日",  "2019-07-12"), ("10月9日",  ""), ("today (May 15)",  ""),
        ("Monday (20th)",  ""), ("31 June 2024",  ""), ("29 February 2023",  ""),
        ("29 February 2024", "2024-02-29"), ("2024-13-01", ""),
    ],
)  # fmt: skip
def test_dates_are_as_precise_as_they_are_written(text, iso):
    found = dates.find(fold(text), 0, len(text))
    assert [each.iso for each in found] == [iso]


@pytest.mark.parametrize(
    "text",
    [
        "in 2023-24",
        "the 2022-23 work plan",
        "5G and 6G",
        "over 7 000 participants",
        "第十九次",
        "version 2.10.3",
    ],
)
def test_what_is_no_date_is_none(text):
    assert not [each for each in dates.find(fold(text), 0, len(text)) if each.iso]


@pytest.mark.parametrize(
    ("said", "issued", "iso"),
    [
        ("today (May 15)",  "15 May 2025",  "2025-05-15"), ("yesterday (May 14)",  "15 May 2025",
        "2025-05-14"),
        ("today (May 16)",  "15 May 2025",  ""), ("December 30",  "2 January 2025",  "2024-12-30"),
        ("May 15",  "1 March 2025",  ""),
        ("Monday (20th)",  "21 October 2025",  "2025-10-20"), ("今日（七月四日）",  "4 July 2008",
        "2008-07-04"), ("today",  "4 July 2008",  "2008-07-04"),
    ],
)  # fmt: skip
def test_the_day_of_issue_makes_certain_what_a_date_leaves_out(said, issued, iso):
    when = dates.find(fold(said), 0, len(said))[0]
    day_of_issue = dates.find(issued, 0, len(issued))[0]
    assert dates.settled(when, day_of_issue).iso == iso
    assert dates.settled(when, None).iso == ""


@given(st.integers(1, 99))
def test_ordinals_are_read_in_words(number):
    tens = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    unit = mentions._UNITS[number % 10 - 1] if number % 10 else ""
    word = (
        mentions._UNITS[number - 1]
        if number < 20
        else f"{tens[number // 10]}-{unit}"
        if unit
        else f"{tens[number // 10][:-1]}ieth"
    )
    assert mentions.number_of(word) == number


def test_bodies_bear_the_name_of_the_day_in_three_scripts():
    bodies = dictionary.load().bodies
    assert bodies["dpo"].name_on("2019-07-12").en == "Office of the Government Chief Information Officer"
    assert bodies["dpo"].name_on("2024-07-25").zh_hant == "數字政策辦公室"
    assert bodies["ofca"].name_on("2010-07-09").zh_hans == "电讯管理局"
    assert bodies["ofca"].name_on("2012-04-01").en == "Office of the Communications Authority"
    assert (
        bodies["gd-industry"].name_on("2007-06-22").en
        == "Department of Information Industry of Guangdong Province"
    )
    assert (
        bodies["gd-industry"].name_on("2015").en
        == "Economic and Information Commission of Guangdong Province"
    )
    assert bodies["gd-industry"].name_on("").zh_hant == "廣東省工業和信息化廳"


@given(st.text(max_size=300))
def test_any_text_can_be_cleaned_folded_and_cut(text):
    cleaned = clean(text).text
    assert len(fold(cleaned)) == len(cleaned)
    for each in sentences(fold(cleaned)):
        assert 0 <= each.start < each.end <= len(cleaned)
    script_of(text)


@pytest.mark.parametrize("text", ["it’s “open” – café", "粵港合作", "naïve œuvre"])
def test_garbled_text_is_mended_and_sound_text_is_left(text):
    garbled = text.encode().decode("cp1252", "surrogateescape") if text.isascii() else "".join(
        bytes([byte]).decode("cp1252", "replace").replace("\ufffd", chr(byte)) for byte in text.encode()
    )  # fmt: skip
    assert mended(garbled) == text
    assert mended(text) == text


@pytest.mark.parametrize("said", ["２０２４-１０-０９", "२०२४", "2024-13", "2024-02-30", "24", ""])
def test_what_no_calendar_takes_is_no_date(said):
    assert not is_date(said)
