"""What still stands between a draft and a signature is said in words."""

from __future__ import annotations

import copy
from datetime import date

import pytest
from django.utils import translation

from kouan.apps.programme.plan import lacking
from kouan.apps.programme.plan.domain import UnreadableText, made_of
from kouan.demo.plans import made_up

SIDES = {"version": 1, "replaces": None, "sides": ["gd", "hk"], "author": "hk"}


def problems_of(content):
    with pytest.raises(UnreadableText) as refused:
        made_of({**content, **SIDES})
    return [lacking.in_words(each, content) for each in str(refused.value).split("; ")]


@pytest.fixture
def content():
    return copy.deepcopy(made_up(date(2027, 6, 1)))


def test_a_part_is_called_by_its_number_and_its_title(content):
    item = content["areas"][0]["items"][0]
    item["deliverable"]["zh_hant"] = ""
    area, title = content["areas"][0]["title"], item["title"]
    place = f"area 1 ({area['en']}) › item 1 ({title['en']}) › what will be there › in traditional Chinese"
    assert problems_of(content) == [f"{place}: is empty"]
    with translation.override("zh-hans"):
        (said,) = problems_of(content)
    assert area["zh_hans"] in said
    assert "is empty" not in said
    assert "deliverable" not in said


def test_what_is_missing_altogether(content):
    content["areas"] = []
    assert problems_of(content) == ["areas: there must be one at least"]
    del content["first_day"]
    assert "first day: is missing" in problems_of(content)


def test_a_rule_of_the_whole_plan_names_the_part_by_its_title(content):
    item = content["areas"][0]["items"][0]
    measure = item["measures"][0]
    measure["target"] = measure["baseline"]
    assert problems_of(content) == [
        f"{item['title']['en']} › {measure['title']['en']} › target: must be other than the baseline"
    ]


@pytest.mark.parametrize(
    "problem", ["", "x", "a.b.c: d", "areas.99.title: missing", "0.1.2: missing", "areas: p is there twice"]
)
@pytest.mark.parametrize("content", [{}, {"areas": None}, {"areas": [None]}, {"areas": {"id": "a"}}])
def test_whatever_stands_in_the_draft_something_is_said(problem, content):
    assert lacking.in_words(problem, content)
