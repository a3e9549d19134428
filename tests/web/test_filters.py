from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.utils import translation

from kouan.core.policy.elements import all_elements
from kouan.web import filters

MOMENT = datetime(2026, 11, 22, 22, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "23 November 2026, 06:05:09 (UTC+8)"),
        ("zh-hant", "2026年11月23日 06:05:09 (UTC+8)"),
        ("zh-hans", "2026年11月23日 06:05:09 (UTC+8)"),
    ],
)
def test_a_moment_reads_in_the_sides_own_time(language, text):
    with translation.override(language):
        assert filters.datetime_long(MOMENT) == text


def test_a_date_stays_the_day_it_is():
    with translation.override("en"):
        assert filters.date_long(date(2026, 3, 1)) == "1 March 2026"
    assert filters.iso(date(2026, 3, 1)) == "2026-03-01"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2026-03-01", "1 March 2026"),
        ("2026-02-30", "2026-02-30"),
        ("2026-03-01 or later", "2026-03-01 or later"),
        ("12026-03-01", "12026-03-01"),
        ("", ""),
    ],
)
def test_a_day_that_evidence_says_is_written_out_and_nothing_else_is_touched(value, text):
    with translation.override("en"):
        assert filters.days_written(value) == text


def test_machines_read_utc():
    assert filters.iso(MOMENT) == "2026-11-22T22:05:09+00:00"


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        filters.datetime_long(datetime(2026, 1, 1))  # noqa: DTZ001 - the fault under test


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1 KB"),
        (1536, "1.5 KB"),
        (50 * 1024**2, "50 MB"),
        (3 * 1024**4, "3072 GB"),
    ],
)
def test_sizes(size, text):
    with translation.override("en"):
        assert filters.file_size(size) == text


def test_fingerprints_are_grouped():
    assert filters.hex_groups(bytes.fromhex("0f3a91c27700")) == "0f3a91c2 7700"
    assert filters.hex_groups("0f3a91c27700", 4) == "0f3a 91c2 7700"


def test_numbers_are_grouped():
    assert filters.number(1234567) == "1,234,567"


def test_a_moment_that_has_no_local_time_is_shown_all_the_same():
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert filters.datetime_short(last) == "9999-12-31 23:59:59"
    assert filters.datetime_long(last).endswith("(UTC+0)")


@pytest.mark.parametrize(
    ("language", "text"), [("en", "3 – Substantial"), ("zh-hant", "3 – 中"), ("zh-hans", "3 – 中")]
)
def test_a_level_is_told_by_number_and_name_and_what_is_none_stays(language, text):
    with translation.override(language):
        assert filters.ALL["level_name"](3) == filters.ALL["level_name"]("3") == text
        assert filters.ALL["level_name"](7) == "7"
        assert filters.ALL["level_name"]("") == ""


@pytest.mark.parametrize(
    ("language", "name"), [("en", "Hong Kong"), ("zh-hant", "香港"), ("zh-hans", "香港"), ("fr", "Hong Kong")]
)
def test_a_side_is_called_by_its_name(language, name):
    side_name = filters.ALL["side_name"]
    with translation.override(language):
        assert side_name("hk") == name
        assert side_name("xx") == "xx"  # a code that no data file knows stays as it is


def test_a_kind_of_data_is_called_by_its_title():
    element_name = filters.ALL["element_name"]
    known = next(iter(all_elements().values()))
    for language, title in known.title.as_mapping().items():
        with translation.override(language.replace("_", "-")):
            assert element_name(known.id) == title
    assert element_name("no-such-kind") == "no-such-kind"
