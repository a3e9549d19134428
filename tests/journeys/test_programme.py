"""The joint work plan between two real nodes, both ways: agreed, crossed, killed, reported, met about."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from journeys import inside, planning
from journeys.nodes import wait_until
from kouan.core.exchange.verify import verify_bundle

if TYPE_CHECKING:
    from journeys.conftest import Group

WAYS = [("hk", "gd"), ("gd", "hk")]


def agree(pair: Group, year: int) -> planning.Effect:
    """Wait until both sides have the same version in effect and know the same of every proposal."""
    pair.wait_at_rest()
    hk, gd = (pair[side].run(planning.effect, year) for side in ("hk", "gd"))
    assert hk.digest == gd.digest
    return hk


@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_from_a_proposal_over_a_counter_proposal_to_a_plan_that_both_have_signed(
    pair: Group, way: tuple[str, str]
) -> None:
    first, second = (pair[side] for side in way)
    year = planning.year_of(WAYS.index(way))
    proposal = first.run(planning.propose, year, "80")
    wait_until(lambda: second.run(planning.state, proposal) == "proposed", 20, "it is proposed")
    counter = second.run(planning.propose, year, "100")
    wait_until(lambda: first.run(planning.state, proposal) == "countered", 20, "it is countered")
    assert first.run(planning.accept, proposal) == "not-on-the-table"
    assert first.run(planning.accept, counter) == "signed"
    wait_until(lambda: second.run(planning.state, counter) == "signed", 20, "it is signed")
    effect = agree(pair, year)
    assert (effect.digest, effect.seals) == (counter, ("gd", "hk"))
    pair.prove()
    trusted = {node.side: node.run(inside.fingerprint) for node in pair.nodes.values()}
    for node in (first, second):
        report = verify_bundle(node.run(planning.bundle, counter), trusted=trusted)
        assert report.holds, report.problems


@pytest.mark.timeout(300)
def test_both_propose_and_answer_at_one_moment_and_end_with_the_same_plan(pair: Group) -> None:
    year = planning.year_of(5)
    digests: dict[str, str] = {}

    def propose(side: str, target: str) -> None:
        digests[side] = pair[side].run(planning.propose_whatever_comes, year, target)

    threads = [threading.Thread(target=propose, args=given) for given in (("hk", "80"), ("gd", "90"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pair.wait_at_rest()
    standing = {
        digest
        for digest in digests.values()
        if all(pair[side].run(planning.state, digest) == "proposed" for side in digests)
    }
    # Proposals that crossed are both open, and the lower digest is the one to answer; where a side saw the
    # other's in time, its own has countered it.
    assert standing
    low = min(standing)
    winner = next(side for side, digest in digests.items() if digest == low)
    loser = "gd" if winner == "hk" else "hk"
    withdrawing = threading.Thread(target=lambda: pair[winner].run(planning.withdraw, low))
    withdrawing.start()
    outcome = pair[loser].run(planning.accept, low)
    withdrawing.join()
    effect = agree(pair, year)
    # Whichever came first: the acceptance counts on both sides, or the withdrawal did on both.
    assert effect.digest == (low if outcome == "signed" else "")


@pytest.mark.timeout(300)
def test_progress_of_both_sides_is_the_same_on_both_and_each_report_is_in_the_ledger(pair: Group) -> None:
    year = timezone.now().year
    hk, gd = pair["hk"], pair["gd"]
    digest = hk.run(planning.propose, year, "80")
    wait_until(lambda: gd.run(planning.state, digest) == "proposed", 20, "it is proposed")
    assert gd.run(planning.accept, digest) == "signed"
    wait_until(lambda: hk.run(planning.state, digest) == "signed", 20, "it is signed")
    hk.run(planning.report, "21")
    gd.run(planning.report, "13")
    for node in (hk, gd):
        wait_until(lambda node=node: node.run(planning.figure) == ("34", True), 20, "both figures are known")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_a_meeting_its_delegation_and_its_paper_are_known_on_both_sides(
    pair: Group, way: tuple[str, str]
) -> None:
    host, guest = (pair[side] for side in way)
    key = host.run(planning.meet)
    wait_until(lambda: guest.run(planning.met, key) == (1, 1, "figures"), 30, "meeting, delegate and paper")
    assert host.run(planning.met, key) == (1, 1, "figures")
