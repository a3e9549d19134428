"""Evidence between two real nodes, both ways: known ahead, shown for one matter, suspended, resumed."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from journeys import proving
from journeys.nodes import wait_until

if TYPE_CHECKING:
    from journeys.conftest import Group

WAYS = [("hk", "gd", "B123456(6)", "LEE Ka Yan"), ("gd", "hk", "11010519491231002X", "WANG Xiaofang")]


@pytest.mark.parametrize(("home", "other", "number", "name"), WAYS, ids=["hk-gd", "gd-hk"])
def test_what_a_person_shows_is_checked_there(
    pair: Group, home: str, other: str, number: str, name: str
) -> None:
    here, there = pair[home], pair[other]
    wait_until(lambda: there.run(proving.knows, home), 30, f"{other} knows {home}'s issuer and list")
    matter = secrets.token_hex(8)
    reference, text = here.run(proving.show, number, other, matter)
    assert there.run(proving.check, text, home, matter) == ("good", {"name": name})
    assert there.run(proving.check, text, home, "another matter") == ("bad-binding", {})
    assert here.run(proving.check, text, home, matter) == ("bad-binding", {})  # it was for the other side

    def becomes(verdict: str) -> None:
        wait_until(lambda: there.run(proving.check, text, home, matter)[0] == verdict, 20, f"it is {verdict}")

    here.run(proving.change, reference, "suspended")
    becomes("suspended")
    here.run(proving.change, reference, "resumed")
    becomes("good")
