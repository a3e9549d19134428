from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from kouan.core.exchange.times import from_milliseconds


@pytest.mark.parametrize("value", [0, 253_402_300_799_999, 253_402_300_800_000, (1 << 53) - 1])
def test_any_time_of_a_peer_can_be_shown_at_any_side(value):
    from_milliseconds(value).astimezone(ZoneInfo("Asia/Hong_Kong"))
