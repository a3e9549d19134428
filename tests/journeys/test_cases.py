"""An application on two real nodes to which everything happens: each is away, and each is killed."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from journeys import casework
from journeys.nodes import wait_until

if TYPE_CHECKING:
    from journeys.conftest import Group


pytestmark = pytest.mark.twice


def passport() -> str:
    return f"K{secrets.randbelow(10**8):08d}"


@pytest.mark.timeout(600)
def test_each_side_is_away_in_the_middle_of_a_case(pair: Group) -> None:
    hk, gd = pair["hk"], pair["gd"]
    wait_until(lambda: hk.run(casework.offered), 30, "the catalogue of gd")
    gd.stop()
    number = passport()
    key = hk.run(casework.apply, number)
    assert hk.run(casework.stands, key) == ("sent", [], "")
    gd.start()
    gd.wait_up()
    wait_until(lambda: hk.run(casework.stands, key)[0] == "received", 30, "the case is opened")

    hk.kill_everything()
    gd.run(casework.take_up, key)
    gd.run(casework.ask_correction, key)
    left = gd.run(casework.let_days_pass, key, 2)  # for so long its applicant's node is away
    hk.start()
    hk.wait_up()
    wait_until(lambda: hk.run(casework.stands, key)[0] == "correction", 30, "the question is here")
    gd.stop()
    hk.run(casework.correct, key, number)
    gd.start()
    gd.wait_up()
    wait_until(lambda: hk.run(casework.stands, key)[0] == "in-review", 30, "the correction is there")
    # The department's time stood still from the day on which it asked to the day of the answer.
    answers, day, counted = gd.run(casework.stands_there, key, left)
    assert (answers, day) == (casework.MENDED, counted)
    assert hk.run(casework.due_on, key) == day
    gd.run(casework.grant, key)
    steps = ["received", "take-up", "ask-correction", "correct", "grant"]
    # Whether the credential counts is known once its status list is here too.
    wait_until(lambda: hk.run(casework.stands, key) == ("granted", steps, "good"), 30, "the result is here")
    assert gd.run(casework.case, key) == (1, "granted", steps)

    # What the applicant sent is in the case; the channel forgets it, and all of it with the consent.
    theirs = ["services.case"] * 4 + ["services.result"]
    wait_until(lambda: gd.run(casework.in_clear, key) == theirs, 30, "what was handled is erased")
    ours = sorted([*theirs, "services.applicant", "services.application"])
    assert hk.run(casework.in_clear, key) == ours
    gd.stop()
    hk.run(casework.withdraw_consent, key, number)
    assert hk.run(casework.in_clear, key) == ["services.applicant"]  # it says that the consent is withdrawn
    hk.kill_everything()
    gd.start()
    gd.wait_up()
    hk.start()
    hk.wait_up()
    wait_until(lambda: hk.run(casework.stands, key)[1][-1] == "restrict", 30, "the case is restricted")
    for node in (gd, hk):
        wait_until(lambda node=node: node.run(casework.in_clear, key) == ["services.case"], 30, node.side)
    pair.prove()


def test_killed_at_every_step_each_application_becomes_one_case_with_one_decision(pair: Group) -> None:
    hk, gd = pair["hk"], pair["gd"]
    wait_until(lambda: hk.run(casework.offered), 30, "the catalogue of gd")
    keys = []
    for name in ("worker", "door"):
        keys.append(hk.run(casework.apply, passport()))
        hk.kill("worker")
        gd.kill(name)
    for key in keys:
        wait_until(lambda key=key: hk.run(casework.stands, key)[0] == "received", 40, "the case is opened")
    for key, name in zip(keys, ("worker", "door"), strict=True):
        gd.run(casework.take_up, key)
        gd.kill("worker")
        gd.run(casework.grant, key)
        hk.kill(name)
    for key in keys:
        wait_until(lambda key=key: hk.run(casework.stands, key)[0] == "granted", 40, "the result is here")
        assert hk.run(casework.stands, key)[1] == ["received", "take-up", "grant"]
        assert gd.run(casework.case, key) == (1, "granted", ["received", "take-up", "grant"])
    pair.prove()
