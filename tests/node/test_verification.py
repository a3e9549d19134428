from __future__ import annotations

import pytest

from kouan.core.exchange.report import MessageFacts, Report
from kouan.node import verification


@pytest.mark.parametrize("trick", ["\x1b[8m", "\r", "\n", "\u202e", "\u2028", "\x9b2K", "\ud800"])
def test_what_a_peer_wrote_cannot_move_or_hide_the_verdict(trick):
    assert verification._plain(f"a{trick}b").startswith("a\ufffd")
    assert "\n" not in verification._plain(f"{trick}The evidence holds.")


def test_a_field_of_the_content_does_not_pass_for_a_finding():
    facts = MessageFacts(1, payload={"receipt": "accepted by hk", "name": "陳"})
    lines = verification._message(facts, Report())
    assert next(line for line in lines if "accepted" in line).startswith("  │ ")
    assert any("陳" in line for line in lines)


def test_a_content_of_very_many_fields_is_cut():
    facts = MessageFacts(1, payload={f"f{number}": 1 for number in range(5000)})
    assert len(verification._message(facts, Report())) < 200


def test_a_side_is_named_in_either_case():
    assert verification._trusted(("HK=" + "0a" * 32,)) == {"hk": "0a" * 32}


def test_a_huge_file_is_not_read_whole(tmp_path, capsys):
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert not verification.print_report(path, (), "en")
    assert "does NOT hold" in capsys.readouterr().out
