"""Working days: known dates of each side, and the laws of counting."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from kouan.core.sides import CalendarYearError, DayKind, get_side

HK, GD, MO = (get_side(code).calendar for code in ("hk", "gd", "mo"))

known_days = st.dates(date(2025, 3, 1), date(2026, 10, 31))
calendars = st.sampled_from([HK, GD, MO])


def test_which_years_are_known():
    """What has been published; the State Council's and Macao's tables of 2027 are not in yet."""
    assert HK.years == (2025, 2026, 2027)
    assert GD.years == (2025, 2026)
    assert MO.years == (2025, 2026)


@pytest.mark.parametrize(
    "day", ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"]
)
def test_make_up_weekends_of_2026_are_worked_on_the_mainland_only(day):
    day = date.fromisoformat(day)
    assert day.weekday() >= 5
    assert GD.is_working_day(day)
    assert GD.day(day).kind is DayKind.MAKE_UP
    assert not HK.is_working_day(day)
    assert not MO.is_working_day(day)


@pytest.mark.parametrize("day", ["2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"])
def test_make_up_weekends_of_2025_are_worked_on_the_mainland(day):
    assert GD.is_working_day(date.fromisoformat(day))


def test_the_spring_festival_of_2026_lasts_nine_days_on_the_mainland():
    off = [date(2026, 2, 15) + timedelta(days=n) for n in range(9)]
    assert not any(GD.is_working_day(day) for day in off)
    assert {GD.name_of(day).zh_hans for day in off} == {"春节"}
    assert GD.is_working_day(date(2026, 2, 24))


@pytest.mark.parametrize(("year", "holidays", "worked"), [(2025, 28, 5), (2026, 33, 6)])
def test_the_state_councils_count_of_days(year, holidays, worked):
    kinds = [day.kind for day in GD.by_year[year].days.values()]
    assert kinds.count(DayKind.HOLIDAY) == holidays
    assert kinds.count(DayKind.MAKE_UP) == worked


@pytest.mark.parametrize("year", [2025, 2026, 2027])
def test_hong_kong_has_seventeen_general_holidays_besides_sundays(year):
    days = HK.by_year[year].days
    assert len(days) == 17
    assert not [day for day in days if day.weekday() == 6]


@pytest.mark.parametrize(
    ("calendar", "day", "name"),
    [
        (HK, "2026-04-06", "清明節翌日"),
        (HK, "2026-04-07", "復活節星期一翌日"),
        (HK, "2026-05-25", "佛誕翌日"),
        (HK, "2027-02-09", "農曆年初四"),
        (HK, "2025-05-05", "佛誕"),
        (MO, "2026-04-07", "清明節的補假"),
        (MO, "2025-12-23", "冬至的補假"),
        (MO, "2026-12-08", "聖母無原罪瞻禮"),
        (GD, "2025-10-08", "國慶節、中秋節"),
    ],
)
def test_names_of_known_holidays(calendar, day, name):
    day = date.fromisoformat(day)
    assert calendar.name_of(day).zh_hant == name
    assert not calendar.is_working_day(day)


@pytest.mark.parametrize("year", [2025, 2026])
def test_macao_has_twenty_public_holidays_and_a_rest_day_for_each_lost_to_a_weekend(year):
    names = {
        day: entry.name.en for day, entry in MO.by_year[year].days.items() if entry.kind is DayKind.HOLIDAY
    }
    own = {day for day, name in names.items() if not name.startswith("Compensatory")}
    assert len(own) == 20
    assert len(names) - len(own) == len([day for day in own if day.weekday() >= 5])


def test_a_free_afternoon_in_macao_is_a_working_day():
    eve = date(2026, 2, 16)
    assert MO.day(eve).kind is DayKind.HALF_DAY
    assert MO.is_working_day(eve)
    assert MO.name_of(eve).zh_hans == "农历除夕（下午）"


def test_ten_working_days_from_one_day_end_on_different_days():
    """The filing clock over the Spring Festival of 2026."""
    assert HK.add_working_days(date(2026, 2, 9), 10) == date(2026, 2, 26)
    assert GD.add_working_days(date(2026, 2, 9), 5) == date(2026, 2, 14)
    assert GD.add_working_days(date(2026, 2, 9), 10) == date(2026, 2, 28)
    assert MO.add_working_days(date(2026, 2, 9), 10) == date(2026, 2, 26)


def test_an_ordinary_day_has_no_name():
    assert HK.name_of(date(2026, 3, 3)) is None
    assert HK.day(date(2026, 3, 7)).kind is DayKind.WEEKEND


def test_a_year_without_data_is_refused_by_name():
    with pytest.raises(CalendarYearError) as caught:
        GD.is_working_day(date(2027, 1, 4))
    assert caught.value.params == {"name": "Guangdong", "side": "gd", "year": 2027}
    with translation.override("zh-hant"):
        assert "廣東" in str(caught.value)
    with pytest.raises(CalendarYearError):
        GD.add_working_days(date(2026, 12, 28), 10)
    with pytest.raises(CalendarYearError):
        GD.add_working_days(date(2025, 1, 2), -5)
    with pytest.raises(CalendarYearError):
        HK.working_days_between(date(2027, 12, 1), date(2028, 1, 3))


def test_a_moment_is_not_a_day():
    with pytest.raises(TypeError, match="a date"):
        HK.is_working_day(datetime(2026, 1, 2, 9, tzinfo=UTC))


def test_a_side_knows_its_day_of_a_moment():
    assert get_side("hk").day_of(datetime(2026, 1, 1, 16, 0, tzinfo=UTC)) == date(2026, 1, 2)
    with pytest.raises(ValueError, match="time zone"):
        get_side("hk").day_of(datetime(2026, 1, 1, 16, 0))  # noqa: DTZ001 - the refusal is what is tested


@given(calendars, known_days, st.integers(-30, 30))
def test_counting_undoes_adding(calendar, day, count):
    end = calendar.add_working_days(day, count)
    assert calendar.working_days_between(day, end) == count
    assert count == 0 or calendar.is_working_day(end)


@given(calendars, known_days, known_days, known_days)
def test_counts_add_up(calendar, one, two, three):
    first, second, third = sorted((one, two, three))
    between = calendar.working_days_between
    assert between(first, second) + between(second, third) == between(first, third)
