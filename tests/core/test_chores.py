from __future__ import annotations

import pytest

from kouan.core import chores


def test_a_chore_is_known_by_its_name(monkeypatch):
    monkeypatch.setattr(chores, "_chores", {})

    def tidy() -> bool:
        return False

    chores.register("tidy", every=5, run=tidy)
    chores.register("tidy", every=5, run=tidy)
    assert chores.registered() == (chores.Chore("tidy", 5, tidy),)
    with pytest.raises(ValueError, match="two chores"):
        chores.register("tidy", every=5, run=lambda: True)


@pytest.mark.parametrize(("name", "every"), [("Tidy", 1), ("", 1), ("tidy up", 1), ("tidy", 0)])
def test_a_chore_without_a_proper_name_or_pause_is_refused(name, every):
    with pytest.raises(ValueError, match="a name in lower case"):
        chores.register(name, every=every, run=lambda: False)
