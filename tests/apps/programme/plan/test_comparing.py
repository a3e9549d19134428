"""What differs between two versions, place by place and word by word."""

from __future__ import annotations

import copy

from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from apps.programme.plan.made import item, measure, plan, words
from kouan.apps.programme.plan.comparing import changes, compared
from kouan.apps.programme.plan.differing import differences
from kouan.apps.programme.plan.domain import made_of


def differs(change, **more):
    old = plan(**more)
    new = copy.deepcopy(old)
    change(new)
    return changes(made_of(old), made_of(new))


def spelt(spans):
    return [(span.kind, span.text) for span in spans]


def test_texts_are_compared_word_by_word_and_chinese_character_by_character():
    assert spelt(compared("Thirty services on line", "Forty services on line")) == [
        ("gone", "Thirty"), ("new", "Forty"), ("kept", " services on line"),
    ]  # fmt: skip
    assert spelt(compared("三十項服務", "四十項服務")) == [
        ("gone", "三"),
        ("new", "四"),
        ("kept", "十項服務"),
    ]


@given(st.text(max_size=60), st.text(max_size=60))
def test_both_texts_can_be_read_out_of_their_comparison(old, new):
    spans = compared(old, new)
    assert "".join(span.text for span in spans if span.kind != "new") == old
    assert "".join(span.text for span in spans if span.kind != "gone") == new


def test_nothing_but_the_number_is_no_difference():
    def other(value):
        value["version"], value["author"], value["replaces"] = 2, "gd", "ab" * 32

    assert differs(other) == []


def test_a_changed_text_names_its_place_and_the_scripts_that_changed():
    def other(value):
        value["areas"][0]["items"][0]["deliverable"]["zh_hans"] = "四十项服务上线。"

    (change,) = differs(other)
    assert change.path == ("areas", "smart-city", "items", "public-services", "deliverable")
    assert list(change.spans) == ["zh_hans"]


def test_a_part_is_known_by_its_id_wherever_it_stands():
    def moved(value):
        value["areas"].reverse()

    two = [
        {"id": name, "title": words(name), "items": [item(f"item-{name}")]} for name in ("first", "second")
    ]
    (change,) = differs(moved, areas=two)
    assert change.path == ("areas", "order")
    assert spelt(change.spans[""]) == [("gone", "first, second"), ("new", "second, first")]


def test_what_was_added_and_removed_is_shown_by_its_title():
    def other(value):
        value["areas"][0]["items"][0]["measures"] = [measure("other", title=words("Sign-ins"))]

    added, removed = differs(other)
    assert (added.kind, spelt(added.spans["en"])) == ("added", [("new", "Sign-ins")])
    assert (removed.kind, spelt(removed.spans["en"])) == ("removed", [("gone", "Services on line")])


def test_a_figure_a_day_and_a_list_are_shown_before_and_after():
    def other(value):
        one = value["areas"][0]["items"][0]
        one["measures"][0]["target"] = "40"
        one["measures"][0]["reported_by"] = ["hk"]
        one["milestones"][0]["due"] = "2026-10-31"

    found = {each.path[-1]: spelt(each.spans[""]) for each in differs(other)}
    assert found == {
        "target": [("gone", "30"), ("new", "40")],
        "reported_by": [("gone", "gd, hk"), ("new", "hk")],
        "due": [("gone", "2026-09-30"), ("new", "2026-10-31")],
    }


def shown(change, language="en", **more):
    old = plan(**more)
    new = copy.deepcopy(old)
    change(new)
    with translation.override(language):
        return [
            (" › ".join(each.place), "".join(f"[{span.kind} {span.text}]" for span in each.spans.get("", ())))
            for each in differences(made_of(old), made_of(new))
        ]


def test_a_place_is_said_in_titles_and_names_and_not_in_ids():
    def other(value):
        first = value["areas"][0]["items"][0]
        first["owners"][1]["department"] = words("Another bureau")
        first["milestones"][0]["due"] = f"{value['year']}-07-31"
        first["measures"][0] |= {"target": "41", "combined": "least"}

    old = plan()["areas"][0]
    way = f"{old['title']['en']} › {old['items'][0]['title']['en']}"
    said = shown(other)
    ids = {old["id"], *(each["id"] for each in old["items"])}
    assert not {step for place, _spans in said for step in place.split(" › ")} & ids
    assert said[0] == (f"{way} › Hong Kong › Department", "")
    milestone, measured = old["items"][0]["milestones"][0], old["items"][0]["measures"][0]
    assert said[1][0] == f"{way} › {milestone['title']['en']} › Due"
    assert said[1][1].endswith("[new 31 July 2026]")
    place = f"{way} › {measured['title']['en']}"
    assert said[2] == (f"{place} › Target", f"[gone {measured['target']}][new 41]")
    assert said[3][0] == f"{place} › How both sides' figures come to one"
    assert "the smaller of both sides' figures" in said[3][1]


def test_an_order_is_said_in_titles():
    def other(value):
        value["areas"][0]["items"].reverse()

    items = [item("one", title=words("First work")), item("two", title=words("Second work"))]
    area = {"id": "a", "title": words("Area"), "items": items}
    assert shown(other, areas=[area]) == [
        ("Area › Order", "[gone First work, Second work][new Second work, First work]")
    ]
