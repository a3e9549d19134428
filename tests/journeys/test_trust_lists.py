"""Trust lists between two real nodes: known ahead, a withdrawal heard of, an old edition refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journeys import listing
from journeys.nodes import wait_until

if TYPE_CHECKING:
    from journeys.conftest import Group


def test_a_withdrawal_is_heard_of_on_the_other_side(pair: Group) -> None:
    hk, gd = pair["hk"], pair["gd"]
    for here, there, side in ((hk, gd, "hk"), (gd, hk, "gd")):
        first = here.run(listing.known, side)
        assert first[0] >= 1
        wait_until(lambda: there.run(listing.known, side) == first, 30, f"{side}'s list is there")  # noqa: B023 - at once
    assert hk.run(listing.keys_of, "gd") == 4
    assert gd.run(listing.judged, "hk", "harbour-personal") == "recognised"
    assert hk.run(listing.judged, "gd", "pearl-personal") == "recognised"

    second = hk.run(listing.withdraw, "harbour-personal")
    wait_until(lambda: gd.run(listing.known, "hk") == second, 30, "the withdrawal is there")
    assert gd.run(listing.judged, "hk", "harbour-personal") == "withdrawn"
    assert gd.run(listing.judged, "hk", "peak-personal") == "recognised"
    wait_until(lambda: hk.run(listing.taken, "gd") == second[0], 30, "Guangdong has said so")
    gd.run(listing.withdraw, "delta-personal")
    assert gd.run(listing.seen, "hk") == second

    hk.run(listing.send_again, "gd", 1)
    wait_until(lambda: gd.run(listing.refused, "hk") == [(1, "rollback")], 30, "the old edition is refused")
    assert gd.run(listing.known, "hk") == second
    assert hk.run(listing.taken, "gd") == second[0]
