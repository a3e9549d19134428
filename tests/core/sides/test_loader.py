"""Sides from data files: complete as shipped, added to by an operator, refused with file and key."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import pytest

from kouan.config import ConfigError
from kouan.core.sides import (
    SUITES,
    SideDataError,
    UnknownDocumentError,
    UnknownSideError,
    all_sides,
    get_document,
    get_side,
    load_sides,
)
from kouan.core.sides.loader import BUILT_IN, contrast
from kouan.core.text import LANGUAGES, Localised

FURTHER = """
code = "xa"
name = { en = "Example", zh-hant = "範例", zh-hans = "范例" }
short_name = { en = "XA", zh-hant = "範", zh-hans = "范" }
full_name = { en = "Example Side", zh-hant = "範例方", zh-hans = "范例方" }
languages = ["en"]
time_zone = "Asia/Singapore"
suites = [2]
weekend = ["friday", "saturday"]
accent = { name = { en = "ink", zh-hant = "墨", zh-hans = "墨" }, colour = "#202020", tint = "#f0f0f0" }

[[documents]]
code = "example-card"
name = { en = "Example card", zh-hant = "範例卡", zh-hans = "范例卡" }
pattern = "X[0-9]{4}"
check = "none"
example = "X1234"
source = "A test"
"""
YEAR = """
source = "A test"
[[holidays]]
date = 2026-06-01
until = 2026-06-02
name = { en = "Long day", zh-hant = "長日", zh-hans = "长日" }
[[make_up_days]]
date = 2026-06-06
name = { en = "In return", zh-hant = "調休", zh-hans = "调休" }
"""
SOME_NAME = 'name = { en = "A", zh-hant = "甲", zh-hans = "甲" }'


def write(folder, *, side=FURTHER, year=YEAR, code="xa", name="2026"):
    if side:
        (folder / "xa.toml").write_text(side)
    if year:
        (folder / "calendars" / code).mkdir(parents=True)
        (folder / "calendars" / code / f"{name}.toml").write_text(year)
    return folder


class TestShipped:
    def test_three_sides_are_known(self):
        assert [side.code for side in all_sides()] == ["gd", "hk", "mo"]
        assert get_side("hk").name == Localised(en="Hong Kong", zh_hant="香港", zh_hans="香港")
        assert [get_side(code).languages[0] for code in ("hk", "gd", "mo")] == [
            "zh-hant",
            "zh-hans",
            "zh-hant",
        ]

    @pytest.mark.parametrize("side", all_sides(), ids=lambda side: side.code)
    def test_each_is_complete(self, side):
        assert set(side.languages) == set(LANGUAGES)
        assert side.suites == (SUITES[1], SUITES[2])
        assert side.documents
        assert {2025, 2026} <= set(side.calendar.years)
        assert datetime(2026, 7, 1, tzinfo=side.zone).utcoffset() == timedelta(hours=8)
        assert side.document(side.documents[0].code) is side.documents[0]
        assert contrast(side.accent.colour, "#ffffff") >= 4.5
        assert contrast(side.accent.colour, side.accent.tint) >= 4.5
        assert all(document.source.strip() for document in side.documents)

    def test_accents_differ(self):
        assert len({side.accent.colour for side in all_sides()}) == 3

    def test_guangdong_has_the_nine_cities_of_the_bay_area(self):
        cities = get_side("gd").cities
        assert len(cities) == 9
        assert all(city.division.startswith("44") and city.division.endswith("00") for city in cities)
        assert not get_side("hk").cities

    def test_simplified_and_traditional_are_not_mixed_up(self):
        """Characters that exist in one script only, looked for in the other."""
        simplified, traditional = "国节证门东广复劳圣龙农历补间无", "國節證門東廣復勞聖龍農曆補間無"
        texts = "\n".join(path.read_text() for path in BUILT_IN.rglob("*.toml"))
        for found in re.findall(r'zh-hant = "([^"]*)"', texts):
            assert not set(found) & set(simplified), found
        for found in re.findall(r'zh-hans = "([^"]*)"', texts):
            assert not set(found) & set(traditional), found

    def test_suites_say_what_they_are(self):
        assert str(SUITES[1]) == "ES256 + X25519 + AES-256-GCM + SHA-256"
        assert str(SUITES[2]) == "Ed25519 + X25519 + AES-256-GCM + SHA-256"

    def test_unknown_codes_are_errors_for_people(self):
        with pytest.raises(UnknownSideError, match="zz") as caught:
            get_side("zz")
        assert caught.value.status == 404
        with pytest.raises(UnknownDocumentError):
            get_document("library-card")
        with pytest.raises(UnknownDocumentError):
            get_side("hk").document("resident-identity-card")
        with pytest.raises(UnknownSideError) as caught:
            get_side("x" * 10_000)
        assert len(str(caught.value)) < 100

    def test_contrast_of_black_on_white_is_twenty_one(self):
        assert contrast("#000000", "#ffffff") == pytest.approx(21)
        assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


class TestOperatorsFolder:
    def test_a_missing_or_empty_folder_adds_nothing(self, tmp_path):
        assert (
            set(load_sides(tmp_path / "none"))
            == set(load_sides(tmp_path))
            == set(load_sides())
            == {"hk", "gd", "mo"}
        )

    def test_a_further_side_joins_by_a_file(self, tmp_path):
        side = load_sides(write(tmp_path))["xa"]
        assert str(side) == "Example"
        assert side.document("example-card").parse("x-1234").masked() == "X12**"
        calendar = side.calendar
        assert not calendar.is_working_day(date(2026, 6, 2))
        assert not calendar.is_working_day(date(2026, 6, 5))
        assert calendar.is_working_day(date(2026, 6, 6))
        assert calendar.is_working_day(date(2026, 6, 7))

    def test_a_published_year_is_added_to_a_known_side(self, tmp_path):
        year = YEAR.replace("2026-06-06", "2027-06-05").replace("2026", "2027")
        sides = load_sides(write(tmp_path, side="", year=year, code="gd", name="2027"))
        assert sides["gd"].calendar.years == (2025, 2026, 2027)

    def test_an_amended_year_stands_in_place_of_the_packages(self, tmp_path):
        calendar = load_sides(write(tmp_path, side="", code="gd"))["gd"].calendar
        assert calendar.name_of(date(2026, 6, 1)).en == "Long day"
        assert calendar.is_working_day(date(2026, 10, 1))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('code = "xa"', 'code = "xb"', "`code` must be"),
        (', zh-hans = "范例" }', " }", "missing ['zh-hans']"),
        ('zh-hant = "範例", ', 'zh-hant = " ", ', "zh-hant text is empty"),
        (
            'name = { en = "Example", zh-hant = "範例", zh-hans = "范例" }',
            'name = "Example"',
            "`name` must be a table",
        ),
        ('languages = ["en"]', 'languages = ["pt"]', "`languages` may hold en, zh-hant"),
        ('languages = ["en"]', 'languages = ["en", "en"]', "each of them once"),
        ('languages = ["en"]', "languages = []", "at least one item"),
        ("suites = [2]", "suites = [9]", "`suites` may hold 1, 2 only"),
        ("suites = [2]", "suites = [true]", "whole numbers"),
        ('"friday"', '"fri"', "`weekend` may hold"),
        ("Asia/Singapore", "Asia/Nowhere", "`time_zone` is not a zone"),
        ("Asia/Singapore", "../../etc", "`time_zone` is not a zone"),
        ("#202020", "#999999", "contrast of 4.5"),
        ("#202020", "black", "#rrggbb"),
        ('time_zone = "Asia/Singapore"', "", "`time_zone` is missing"),
        ("suites = [2]", "suites = [2]\ncurrency = 1", "`currency` is unknown"),
        ('"X[0-9]{4}"', '"X[0-9"', "not a regular expression"),
        ('"X1234"', '"Y1234"', "refused by its own pattern"),
        ('"X1234"', '"x1234"', "not written as"),
        ('check = "none"', 'check = "luhn"', "`check` must be one of"),
        ('check = "none"', "check_in_brackets = 1\ncheck = 'none'", "must be true or false"),
        ("example-card", "Example Card", "small letters"),
        ("example-card", "hkid", "already one of `hk`"),
        ("[[documents]]", "[documents]", "list of tables"),
        ('code = "xa"', "code = ", "not valid TOML"),
        ('name = { en = "ink"', 'hue = 1, name = { en = "ink"', "`hue` is unknown"),
        (
            "[[documents]]",
            f'[[cities]]\ncode = "a"\ndivision = "44"\n{SOME_NAME}\n[[documents]]',
            "GB/T 2260",
        ),
    ],
)
def test_a_faulty_side_stops_start_up_with_file_and_key(tmp_path, old, new, says):
    assert FURTHER.count(old) >= 1
    with pytest.raises(SideDataError) as caught:
        load_sides(write(tmp_path, side=FURTHER.replace(old, new, 1)))
    assert says in str(caught.value)
    assert isinstance(caught.value, ConfigError)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('source = "A test"', "", "`source` is missing"),
        ("2026-06-01", "2025-06-01", "within 2026"),
        ("until = 2026-06-02", "until = 2026-05-02", "in order"),
        ("2026-06-01", '"2026-06-01"', "without quotation marks"),
        ("2026-06-01", "2026-06-01T00:00:00", "must be a date"),
        ("2026-06-06", "2026-06-07", "only weekends are made up"),
        ("2026-06-06", "2026-06-06\nuntil = 2026-06-07", "`until` is unknown"),
        ("[[make_up_days]]", "[[holidays]]\ndate = 2026-06-02\nname = {}\n[[make_up_days]]", "missing ['en'"),
        (
            "[[make_up_days]]",
            f"[[holidays]]\ndate = 2026-06-02\n{SOME_NAME}\n[[make_up_days]]",
            "covers 2026-06-02",
        ),
        ("[[holidays]]", "[[half_days]]", "`until` is unknown"),
    ],
)
def test_a_faulty_calendar_stops_start_up_with_file_and_key(tmp_path, old, new, says):
    with pytest.raises(SideDataError) as caught:
        load_sides(write(tmp_path, year=YEAR.replace(old, new, 1)))
    assert says in str(caught.value)
    assert "2026.toml" in str(caught.value)


def test_a_calendar_without_holidays_is_a_mistake(tmp_path):
    with pytest.raises(SideDataError, match="`holidays` is empty"):
        load_sides(write(tmp_path, year='source = "A test"'))


def test_a_calendar_of_nobody_or_of_no_year_is_refused(tmp_path):
    with pytest.raises(SideDataError, match="no side `zz`"):
        load_sides(write(tmp_path, side="", code="zz"))
    (tmp_path / "second").mkdir()
    with pytest.raises(SideDataError, match="named after its year"):
        load_sides(write(tmp_path / "second", name="next-year"))


def test_a_side_of_the_package_is_not_replaced(tmp_path):
    (tmp_path / "hk.toml").write_text(FURTHER)
    with pytest.raises(SideDataError, match="`hk` is part of Kouan"):
        load_sides(tmp_path)


def test_an_unreadable_file_is_named(tmp_path):
    (tmp_path / "xa.toml").mkdir()
    with pytest.raises(SideDataError, match=r"xa\.toml cannot be read"):
        load_sides(tmp_path)
    (tmp_path / "bytes").mkdir()
    (tmp_path / "bytes" / "xa.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SideDataError, match="not valid TOML"):
        load_sides(tmp_path / "bytes")
