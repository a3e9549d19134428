from __future__ import annotations

import pytest
from django.utils import translation

from kouan.core.cbor import NotDeterministicCBOR
from kouan.core.exchange import crossing, inbox, opening, wire
from kouan.core.policy import decide
from kouan.core.trust.errors import CannotOpen
from kouan.web.reasons import REASONS, reason

AT_THE_DOOR = [
    crossing.UndeclaredCrossing,
    crossing.IllFormedPayload,
    crossing.OversizedPayload,
    opening.Unreadable,
    opening.Expired,
    opening.Misaddressed,
    inbox.IdConflict,
    wire.MalformedWire,
    NotDeterministicCBOR,
    CannotOpen,
    decide.Denied,
    *(error for error in decide.Denied.__subclasses__() if error.__module__.startswith("kouan.core.")),
]
OF_APPS = [error for error in decide.Denied.__subclasses__() if error.__module__.startswith("kouan.apps.")]


@pytest.mark.parametrize("error", AT_THE_DOOR)
def test_whatever_the_door_refuses_with_has_a_sentence(error):
    assert error.code in REASONS


@pytest.mark.parametrize("code", [*REASONS, "ValueError", "never-heard-of"])
def test_a_reason_is_a_whole_sentence(code):
    with translation.override("en"):
        assert reason(code).endswith((".", "?"))
        assert "%(" not in reason(code)


def test_an_unknown_code_is_shown_itself():
    with translation.override("en"):
        assert "“never-heard-of”" in reason("never-heard-of")
        assert "(ValueError)" in reason("ValueError")


@pytest.mark.parametrize("error", OF_APPS)
def test_what_an_app_denies_is_told_as_such(error):
    with translation.override("en"):
        assert "rules do not allow it" in reason(error.code) or reason(error.code) == str(error.message)


def test_an_apps_own_error_speaks_for_itself():
    with translation.override("en"):
        assert reason("unexpected-answer") != reason("never-heard-of").replace(
            "never-heard-of", "unexpected-answer"
        )
