"""The other side is down: the question waits, everybody is told so, and the answer comes in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journeys import inside
from journeys.nodes import wait_until
from journeys.test_validation import DEGREE, answered, register, verify_offline

if TYPE_CHECKING:
    from pathlib import Path

    from journeys.conftest import Group


def test_a_question_outlives_the_other_sides_absence(pair: Group, tmp_path: Path) -> None:
    hk, gd = pair["hk"], pair["gd"]
    _, carried = register(gd, DEGREE)
    gd.stop()
    asked = hk.upload("/validations?wait=0.2", "file", carried)
    assert (asked.status, asked.json()["state"]) == (202, "waiting")
    key = asked.json()["id"]
    page = hk.request("GET", f"/validate/{key}")
    assert page.status == 200
    assert "Waiting for the answer" in page.body.decode()
    assert "cannot be reached" in page.body.decode()
    assert hk.api("GET", f"/validations/{key}").json()["received_at"] is None
    early = hk.request("GET", f"/api/v1/validations/{key}/evidence")
    assert (early.status, early.json()["status"]) == (409, 409)
    wait_until(lambda: hk.run(inside.line, "gd").attempts >= 2, 15, "hk tries again")
    assert "does not answer" in hk.run(inside.line, "gd").last_error

    gd.start()
    gd.wait_up()
    result = wait_until(lambda: answered(hk, key), 20, "the answer")
    assert result["outcome"] == "match"
    pair.prove()

    path = tmp_path / "evidence.bundle"
    path.write_bytes(hk.request("GET", f"/api/v1{result['evidence']}").body)
    assert verify_offline(path).returncode == 0


def test_answers_wait_for_an_asker_who_is_away(pair: Group) -> None:
    hk, gd = pair["hk"], pair["gd"]
    hk.link.cut()
    asked = hk.run(inside.ask, "gd", 10)
    wait_until(lambda: gd.run(inside.line, "hk").attempts >= 2, 15, "gd tries to answer")
    assert set(hk.run(inside.outcomes, asked)) == {""}
    hk.stop()
    hk.link.mend()
    hk.start()
    hk.wait_up()
    wait_until(lambda: set(hk.run(inside.outcomes, asked)) == {"unknown"}, 20, "the answers")
    pair.prove()
