from __future__ import annotations

from kouan.core.exchange.transport import DoorAnswer, Line
from kouan.core.trust.queries import get_member


def test_what_a_door_says_is_one_line_in_our_log(gd):
    said = DoorAnswer(400, "text/plain", b"no\r\n2026-11-22 INFO all is well\x1b[2J")
    text = str(Line(get_member(gd.side)).refusal(said))
    assert text.isprintable()
    assert "all is well" in text
