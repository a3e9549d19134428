"""What a plan and minutes may say, and what their digest stands for."""

from __future__ import annotations

import uuid

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from apps.programme.plan.made import YEAR, item, measure, minutes, not_canonical, plan, words
from kouan.apps.programme.plan.domain import (
    MAX_TEXT,
    Minutes,
    Plan,
    UnreadableText,
    made_of,
    plan_number,
    read_text,
)


def area(*items, id_="one"):
    return {"id": id_, "title": words("Area"), "items": list(items)}


def owners(*sides):
    return [{"side": side, "department": words(side)} for side in sides]


def test_a_canonical_text_is_read_back_as_it_was_signed():
    for value, kind in ((plan(), Plan), (minutes(uuid.uuid4()), Minutes)):
        text = made_of(value)
        assert isinstance(text, kind)
        assert read_text(text.canonical()) == text
        with pytest.raises(UnreadableText, match="canonical"):
            read_text(not_canonical(value))


def test_both_sides_make_the_same_number_of_a_years_plan():
    assert plan_number(["hk", "gd"], YEAR) == plan_number(["gd", "hk"], YEAR)
    assert plan_number(["hk", "gd"], YEAR) != plan_number(["hk", "gd"], YEAR + 1)
    assert made_of(plan()).name == "2026-27"
    assert made_of(plan(last_day="2026-12-31")).name == "2026"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"areas": []}, "areas"),
        ({"areas": [area(item(), item())]}, "public-services is there twice"),
        ({"areas": [area(item("a")), area(item("b"))]}, "one is there twice"),
        ({"areas": [area(item(owners=owners("hk", "gd")))]}, "public-services.owners"),
        ({"areas": [area(item(owners=owners("gd", "gd")))]}, "public-services.owners"),
        ({"areas": [area(item(measures=[measure(), measure()]))]}, "services is there twice"),
        ({"areas": [area(item(measures=[measure(reported_by=["mo"])]))]}, "reported_by"),
        ({"areas": [area(item(measures=[measure(target="10.0")]))]}, "target"),
        ({"areas": [area(item(measures=[measure(target="1e3")]))]}, "target"),
        ({"areas": [area(item(measures=[measure(target="01")]))]}, "target"),
        ({"areas": [area(item(measures=[measure(feed="exchange")]))]}, "feed"),
        (
            {"areas": [area(item(milestones=[{"id": "m", "title": words("m"), "due": "2027-04-01"}]))]},
            "m.due",
        ),
        ({"areas": [area(item(milestones=[{"id": "m", "title": words("m"), "due": "2026-02-30"}]))]}, "due"),
        ({"areas": [area(item(title={"en": "a", "zh_hant": "b"}))]}, "zh_hans"),
        ({"areas": [area(item(title=words(" ")))]}, "title.en"),
        ({"first_day": "2025-04-01"}, "first_day"),
        ({"last_day": "2026-03-31"}, "first_day"),
        ({"sides": ["hk", "gd"]}, "sides"),
        ({"author": "mo"}, "author"),
        ({"version": 0}, "version"),
        ({"replaces": "AB"}, "replaces"),
        ({"more": 1}, "more"),
        ({"schema": "kouan-plan/2"}, "schema"),
    ],
)
def test_what_a_plan_cannot_say_is_refused_by_its_place_and_never_by_its_value(changes, place):
    with pytest.raises(UnreadableText, match=place) as refused:
        made_of(plan(**changes))
    assert "Thirty" not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"present": []}, "present"),
        ({"present": [{"side": "mo", "name": "A", "office": words("a")}]}, "present"),
        ({"points": []}, "points"),
        ({"mode": "by post"}, "mode"),
        ({"held_on": "9 October"}, "held_on"),
    ],
)
def test_minutes_that_cannot_be_are_refused(changes, place):
    with pytest.raises(UnreadableText, match=place):
        made_of(minutes(uuid.uuid4(), **changes))


def test_a_text_that_is_too_long_is_refused_before_it_is_read():
    with pytest.raises(UnreadableText, match="too long"):
        read_text(b" " * (MAX_TEXT + 1))


@given(
    st.binary(max_size=200) | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(rfc8785.dumps)
)
def test_whatever_bytes_come_they_are_read_or_refused(data):
    with pytest.raises(UnreadableText):
        read_text(data)


@given(st.data())
def test_a_plan_with_anything_in_the_place_of_a_part_is_read_or_refused(data):
    value = plan()
    holder = data.draw(st.sampled_from([value, value["areas"][0], value["areas"][0]["items"][0]]))
    key = data.draw(st.sampled_from(sorted(holder)))
    holder[key] = data.draw(
        st.none() | st.integers(0, 9) | st.text(max_size=3) | st.lists(st.none(), max_size=2)
    )
    try:
        text = made_of(value)
    except UnreadableText:
        return
    assert read_text(text.canonical()) == text


def test_deep_nesting_is_refused():
    with pytest.raises(UnreadableText):
        read_text(b"[" * 50_000 + b"]" * 50_000)
