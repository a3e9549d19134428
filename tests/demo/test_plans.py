"""The made-up plan of a fresh demonstration: it could be signed, and is never made on a real node."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from apps.programme.plan.conftest import gd, node, stores  # noqa: F401 - fixtures
from kouan.apps.programme.models import Report, Version
from kouan.apps.programme.plan.domain import made_of
from kouan.apps.programme.plan.progress import Standing
from kouan.core import figures
from kouan.demo import plans
from kouan.node.layout import NewNode, create, environment_of

SIGNING = {"version": 1, "replaces": None, "sides": ["gd", "hk"], "author": "hk"}


@given(st.dates(date(2020, 1, 1), date(2040, 12, 31)))
def test_on_any_day_the_plan_could_be_signed_and_has_todays_five_areas(day):
    text = made_of(plans.made_up(day) | SIGNING)
    assert len(text.areas) == 5


def test_it_says_in_each_script_that_it_is_made_up_and_names_figures_that_are_there():
    text = made_of(plans.made_up(date(2026, 6, 1)) | SIGNING)
    offered = {each.key for each in figures.offered()}
    for _area, item in text.each_item():
        assert "made up" in item.deliverable.en
        assert "虛構" in item.deliverable.zh_hant
        assert "虚构" in item.deliverable.zh_hans
        assert {each.feed for each in item.measures} <= offered | {""}
        standing, _value = plans._PROGRESS[item.id]
        assert standing in list(Standing)


def test_hong_kongs_part_is_done_once(gd, settings, monkeypatch):  # noqa: F811 - the fixture
    settings.NODE = replace(settings.NODE, demonstration=True)
    calls = []

    def other_side(seconds):
        """What Guangdong's node does meanwhile."""
        calls.append(seconds)
        assert len(calls) < 5
        ((_type, said),) = [each for each in gd.hear() if each[0] == "programme.proposal"]
        row = Version.objects.select_related("subject").get()
        assert bytes(row.text) == said["text"]
        assert gd.answer(bytes(row.digest), row.subject.key) == ("handled", "")

    monkeypatch.setattr(plans.time, "sleep", other_side)
    plans.main()
    assert Version.objects.get().state == "signed"
    before = list(Report.objects.order_by("pk").values())
    assert before
    plans.main()
    assert list(Report.objects.order_by("pk").values()) == before


def test_a_real_node_refuses(tmp_path):
    create(tmp_path / "hk", NewNode(side="hk", portal="127.0.0.1:18993", door="127.0.0.1:18994"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KOUAN_")}
    done = subprocess.run(
        [sys.executable, "-m", "kouan.demo.plans"],
        env=environment_of(tmp_path / "hk" / "node.toml", environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "not a demonstration" in done.stderr
