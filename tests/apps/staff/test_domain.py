from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kouan.apps.staff import domain

ROLES = ("issuer", "operator", "registrar")


@pytest.mark.parametrize(
    ("departments", "roles", "expected"),
    [
        ("works", "issuer", {("works", "issuer")}),
        (["works", "law"], ["issuer"], {("works", "issuer"), ("law", "issuer")}),
        (["works", "law"], ["law/operator"], {("law", "operator")}),
        ("works", ["law/operator"], set()),
        ("unknown", ["issuer"], set()),
        ("works", ["superuser", "works/superuser"], set()),
        ("works", None, set()),
        (None, ["issuer"], set()),
        ({"works": 1}, {"issuer": 1}, set()),
        (["works", 7], ["issuer", None], {("works", "issuer")}),
        ("works", ["/issuer"], set()),
        ("works", ["works//issuer"], set()),
    ],
)
def test_what_claims_give(departments, roles, expected):
    assert domain.claimed_posts(departments, roles, known=["works", "law"], allowed=ROLES) == expected


@given(departments=st.recursive(st.text() | st.none(), st.lists), roles=st.recursive(st.text(), st.lists))
def test_claims_never_give_what_the_node_does_not_know(departments, roles):
    found = domain.claimed_posts(departments, roles, known=["works"], allowed=ROLES)
    assert all(code == "works" and role in ROLES for code, role in found)


@pytest.mark.parametrize("claim", ["", "a b", "x" * 101, "<b>", None, 5, ["a"]])
def test_a_claim_that_is_no_name_is_not_taken_for_one(claim):
    assert domain.user_name(claim, "fallback") == "fallback"


def test_a_name_may_be_in_any_script():
    assert domain.user_name("陳大文@works", "fallback") == "陳大文@works"


def test_recovery_codes_are_many_and_read_as_they_are_typed():
    made = {domain.new_recovery_code() for _ in range(500)}
    assert len(made) == 500
    for code in made:
        assert domain.recovery_code(code) == domain.recovery_code(f" {code.upper().replace('-', ' ')} ") != ""


@pytest.mark.parametrize("typed", ["", "123456", "0000-0000-0000-0000", "abcd-efgh-jkmn", "a" * 17])
def test_what_is_no_recovery_code(typed):
    assert domain.recovery_code(typed) == ""


@pytest.mark.parametrize(("code", "sound"), [("works", True), ("a1-b", True), ("a", False), ("1a", False),
                                             ("A-b", False), ("a" * 41, False), ("a_b", False)])  # fmt: skip
def test_codes_of_departments(code, sound):
    assert domain.is_department_code(code) is sound


def test_a_session_ends_unused_and_at_last():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    limits = {"idle": timedelta(minutes=30), "absolute": timedelta(hours=12)}
    minute = timedelta(minutes=1)
    assert domain.why_over(now, began=now - 29 * minute, seen=now - 29 * minute, **limits) == ""
    assert domain.why_over(now, began=now - 40 * minute, seen=now - 30 * minute, **limits) == "idle"
    assert domain.why_over(now, began=now - timedelta(hours=12), seen=now, **limits) == "absolute"
