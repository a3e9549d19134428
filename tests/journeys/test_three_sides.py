"""A third side joins by configuration alone, and every pair exchanges both ways."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from journeys import inside
from journeys.nodes import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from journeys.conftest import Group


@pytest.mark.timeout(150)
def test_hong_kong_guangdong_and_macao(groups: Callable[..., Group]) -> None:
    three = groups("hk", "gd", "mo")
    three.put_in_order()
    try:
        asked = {(side, other): three[side].run(inside.ask, other, 3) for side, other in permutations(three.nodes, 2)}
        assert len(asked) == 6
        for (side, other), keys in asked.items():
            wait_until(
                lambda side=side, keys=keys: three[side].run(inside.outcomes, keys) == ["unknown"] * 3,
                30,
                f"{other} answers {side}",
            )
        three.prove()
    finally:
        three.close()
