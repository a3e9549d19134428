"""``kouan programme plan``, as an operator runs it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from apps.programme.plan.made import YEAR, drafted, plan
from kouan.apps.programme.models import Version
from kouan.apps.programme.plan import commands
from kouan.apps.programme.plan.domain import made_of, plan_number

WITH = ("--peer", "gd", "--year", YEAR)
BY = ("--officer", "CHEUNG, Director")


@pytest.fixture
def run(node):
    def go(*arguments, exit_code=0):
        result = CliRunner().invoke(commands.plan, [str(each) for each in arguments])
        assert result.exit_code == exit_code, result.output
        return result.output.strip()

    return go


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(drafted(plan()), ensure_ascii=False), encoding="utf-8")
    return path


def test_from_a_file_to_a_review(run, gd, file, today, tmp_path):
    digest = run("propose", file, *WITH, *BY)
    assert run("list").split("\t")[3:] == ["hk", "proposed", digest]
    gd.hear()
    assert gd.answer(bytes.fromhex(digest), plan_number(["hk", "gd"], YEAR)) == ("handled", "")
    report = run(
        "report", "public-services", "measure", "12", *WITH, "--part", "services", "--source", "return",
        "--on", f"{YEAR}-09-01",
    )  # fmt: skip
    shown = json.loads(run("show", *WITH, "--pdf", tmp_path / "review.pdf"))
    assert [each["id"] for each in shown["reports"]] == [report]
    assert (tmp_path / "review.pdf").read_bytes().startswith(b"%PDF-")
    run("feed")


def test_a_second_file_takes_the_place_of_the_first_and_may_be_withdrawn(run, gd, file):
    first = run("propose", file, *WITH, *BY)
    second = run("propose", file, *WITH, *BY)
    assert {bytes(row.digest).hex(): row.state for row in Version.objects.all()} == {
        first: "withdrawn", second: "proposed",
    }  # fmt: skip
    assert run("withdraw", second, "--reason", "a slip") == "withdrawn"
    assert "Error:" in run("withdraw", second, "--reason", "again", exit_code=1)


def test_what_the_other_side_proposes_is_accepted_or_refused(run, gd):
    value = plan(author="gd")
    gd.propose(value)
    digest = made_of(value).digest().hex()
    assert run("accept", digest, *BY) == "signed"
    assert "Error:" in run("refuse", digest, "--reason", "late", exit_code=1)
    assert "Error:" in run("accept", "nothing", *BY, exit_code=1)


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 5000, '{"schema": "kouan-plan/1"}'])
def test_a_file_that_is_no_plan_is_one_line_and_proposes_nothing(run, gd, tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text, encoding="utf-8")
    said = run("propose", path, *WITH, *BY, exit_code=1)
    assert said.startswith("Error: ")
    assert len(said.splitlines()) == 1
    assert not Version.objects.exists()
