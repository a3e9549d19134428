"""The picture of the areas: what a theme's line tells, and where it runs."""

from __future__ import annotations

import pytest

from kouan.apps.programme.look.flow import Area, Change, Column, drawing, threads, turned
from kouan.apps.programme.look.timeline import moment, strip


def column(label: str, *areas: tuple[str, ...]) -> Column:
    return Column(label, label, tuple(Area(text, themes) for text, *themes in areas))  # type: ignore[arg-type]


HISTORY = [
    column("1", ("RFID research", "rfid"), ("E-business", "commerce")),
    column("2", ("RFID to ease customs clearance", "rfid", "customs"), ("E-business", "commerce")),
    column("3", ("Smart customs clearance", "customs"), ("Cross-boundary e-commerce", "commerce")),
    column("4", ("“smart customs clearance”", "customs")),
    column("5", ("Smart customs clearance", "customs"), ("Cross-boundary e-commerce", "commerce")),
]


def changes(theme: str) -> list[tuple[int, tuple[Change, ...]]]:
    (thread,) = (each for each in threads(HISTORY) if each.theme == theme)
    return [(step.column, step.changes) for step in thread.steps]


def test_a_theme_is_born_joined_and_parted() -> None:
    assert changes("rfid") == [(0, (Change.BORN,)), (1, (Change.MERGED,))]
    assert changes("customs") == [
        (1, (Change.BORN, Change.MERGED)),
        (2, (Change.PARTED,)),
        (3, (Change.KEPT,)),
        (4, (Change.KEPT,)),
    ]


def test_a_name_is_another_only_when_its_letters_are() -> None:
    assert changes("commerce") == [
        (0, (Change.BORN,)),
        (1, (Change.KEPT,)),
        (2, (Change.RENAMED,)),
        (4, (Change.RETURNED,)),
    ]
    (thread,) = (each for each in threads(HISTORY) if each.theme == "commerce")
    assert [text for _, text in thread.names] == [
        "E-business",
        "Cross-boundary e-commerce",
        "Cross-boundary e-commerce",
    ]


def test_two_areas_of_one_meeting_about_the_same_are_one_stop() -> None:
    (thread,) = threads([column("1", ("Mobile", "mobile"), ("Wireless", "mobile"))])
    assert [step.area.text for step in thread.steps] == ["Mobile"]


def test_lines_of_one_area_run_side_by_side_and_a_pause_is_a_gap() -> None:
    picture = drawing(HISTORY, along=10, across=20, before=100, after=30)
    routes = {route.theme: route for route in picture.routes}
    rfid, customs = routes["rfid"].stops[1], routes["customs"].stops[0]
    assert rfid.x == customs.x
    assert abs(rfid.y - customs.y) == 6
    assert len(routes["commerce"].pieces) == 2
    assert len(routes["commerce"].gaps) == 1
    lanes = [route.lane for route in picture.routes]
    assert lanes == sorted(set(lanes))


def test_the_narrow_picture_is_the_wide_one_turned() -> None:
    wide = drawing(HISTORY, along=10, across=20, before=100, after=30)
    tall = turned(wide)
    assert (tall.width, tall.height) == (wide.height, wide.width)
    first, second = wide.routes[0].pieces[0], tall.routes[0].pieces[0]
    assert first.startswith("M105.0 40.0C")
    assert second.startswith("M40.0 105.0C")
    assert first.split()[-2:] == second.split()[-2:][::-1]


def test_nothing_to_draw_is_an_empty_picture() -> None:
    assert drawing([], along=10, across=20, before=100, after=30).routes == ()


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2024", 2024.5), ("2024-01-01", 2024 + 0.5 / 366), ("2023-02", 2023 + (31 + 14) / 365), ("", None)],
)
def test_a_date_stands_in_the_middle_of_what_is_known_of_it(day: str, expected: float | None) -> None:
    assert moment(day) == (expected if expected is None else pytest.approx(expected))


def test_the_strip_has_a_row_for_each_place_and_leaves_out_what_has_no_date() -> None:
    found = strip(
        [("a", "2006-05-17", "Guangzhou", "1"), ("b", "2007", "Cyberport", "2"), ("c", "", "Nowhere", "3")]
    )
    assert found is not None
    assert [name for _, name in found.rows] == ["Guangzhou", "Cyberport"]
    assert [mark.key for mark in found.marks] == ["a", "b"]
    assert found.marks[0].x < found.marks[1].x
    assert strip([("c", "", "Nowhere", "3")]) is None
