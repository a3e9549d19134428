"""What a provider's words for a level count as."""

from __future__ import annotations

import pytest

from apps.identity.home.conftest import home_settings
from kouan.apps.identity.domain import Level
from kouan.apps.identity.home import levels
from kouan.apps.identity.home.errors import UnknownLevel
from kouan.apps.identity.home.guangdong import Guangdong
from kouan.demo.provider.people import AUTHENTICATION, LEVELS


def made(**changes):
    return levels.table(home_settings("https://provider.example", **changes))


def test_what_the_settings_do_not_say_the_sides_data_does():
    assert made(levels={}).identity == {
        "e-auth-2": Level.LOW,
        "iam-smart": Level.SUBSTANTIAL,
        "iam-smart-plus": Level.HIGH,
    }


def test_a_level_is_asked_for_with_every_one_above_it():
    assert made(levels=LEVELS["hk"]).asked_for(Level.SUBSTANTIAL) == ("iam-smart", "iam-smart-plus")


@pytest.mark.parametrize("word", ["", "gold", "IAM-SMART", "iam-smart "])
def test_a_word_that_stands_in_no_table_is_refused(word):
    with pytest.raises(UnknownLevel):
        made(levels=LEVELS["hk"]).reached(word, ["hwk"])


@pytest.mark.parametrize(
    ("word", "amr", "level"),
    [
        ("iam-smart-plus", ["hwk", "mfa"], Level.HIGH),
        ("iam-smart-plus", ["pwd"], Level.LOW),
        ("iam-smart", ["hwk"], Level.SUBSTANTIAL),
        ("self-asserted", ["hwk"], Level.SELF_ASSERTED),
        ("iam-smart-plus", ["pwd", "hwk"], Level.HIGH),
    ],
)
def test_the_lower_of_identity_and_authentication_counts(word, amr, level):
    assert made(levels=LEVELS["hk"], authentication=AUTHENTICATION).reached(word, amr) is level


@pytest.mark.parametrize("amr", [[], ["sms"]])
def test_a_way_of_authenticating_that_is_not_known_is_refused(amr):
    with pytest.raises(UnknownLevel):
        made(levels=LEVELS["hk"], authentication=AUTHENTICATION).reached("iam-smart", amr)


def test_the_best_is_what_both_allow():
    assert made(levels=LEVELS["hk"]).best is Level.HIGH
    assert made(levels=LEVELS["hk"], authentication={"pwd": 2}).best is Level.LOW


def test_guangdongs_numerals_are_its_digits():
    adapter = Guangdong(home_settings("https://provider.example", levels=LEVELS["gd"]))
    assert adapter.levels.reached(adapter.word("四"), []) is Level.SUBSTANTIAL
    assert adapter.levels.reached(adapter.word("5"), []) is Level.HIGH
    with pytest.raises(UnknownLevel):
        adapter.levels.reached(adapter.word("六"), [])
