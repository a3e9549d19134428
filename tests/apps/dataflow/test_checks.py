"""What nobody may sign, whoever drafted it."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest

from apps.dataflow.made import BANK, DAY, LENDER, OTHER, terms
from kouan.apps.dataflow import checks, contracts, errors
from kouan.apps.dataflow.domain import State
from kouan.apps.dataflow.models import Contract
from kouan.core.errors import KouanError
from kouan.core.policy.decide import ImportantData

MACAO = {"name": "Lotus Bank", "place": "mo"}
FIRST = date(2026, 9, 1)


def on(day):
    return day.isoformat()


def assessed(day):
    return {"digest": "0" * 64, "made_on": on(day)}


GD = "gd/2026-01-01 gba-standard-contract"
BAD = {
    "ends before it begins": (
        terms(expires="2026-08-31"), errors.TermEndsBeforeItBegins, "contract term",
    ),
    "both on one side": (
        terms(importer=LENDER | {"place": "hk"}), errors.SameSide, "contract parties",
    ),
    "important data": (terms(elements=["important.mapping"]), ImportantData, "elements"),
    "a city outside the area": (
        terms(importer=LENDER | {"place": "gd:shantou"}), errors.OutsideArea, f"{GD} places",
    ),
    "an onward transfer": (terms(onward=[MACAO]), errors.OnwardTransfer, f"{GD} places"),
    "a basis that nobody knows": (terms(basis="handshake"), errors.UnknownBasis, "basis"),
    "a day too long": (
        terms(expires=on(FIRST + timedelta(days=1096))), errors.TermTooLong, f"{GD} term",
    ),
    "an old assessment": (
        terms(assessment=assessed(FIRST - timedelta(days=91))), errors.AssessmentTooOld, f"{GD} assessment",
    ),
    "an assessment made afterwards": (
        terms(assessment=assessed(FIRST + timedelta(days=1))), errors.AssessmentTooOld, f"{GD} assessment",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_terms_are_refused_and_the_clause_is_named(name):
    said, error, clause = BAD[name]
    with pytest.raises(KouanError) as caught:
        checks.check(said, DAY)
    assert type(caught.value) is error
    assert caught.value.params["clause"] == clause


@pytest.mark.parametrize(
    "said",
    [
        terms(),
        terms(expires="2026-09-01"),
        terms(expires=on(FIRST + timedelta(days=1095))),
        terms(assessment=assessed(FIRST - timedelta(days=90))),
        terms(assessment=assessed(FIRST)),
        terms(exporter=LENDER, importer=BANK),
    ],
)
def test_on_the_edge_they_may_be_signed(said):
    checks.check(said, DAY)


def other(**changes):
    return terms(contract=str(uuid.uuid4()), **changes)


@pytest.fixture
def standing(node):
    """A contract that both sides have signed already."""
    return contracts._kept(terms(), State.SIGNED)


@pytest.mark.parametrize(
    "said",
    [
        other(),
        other(elements=["person.account", "person.name"]),
        other(effective="2027-08-31", expires="2028-08-30"),
        other(effective="2025-09-01", expires="2026-09-01"),
    ],
    ids=["the same", "some of it", "its last day", "its first day"],
)
def test_two_contracts_that_disagree(standing, said):
    with pytest.raises(errors.ContractsDisagree) as caught:
        checks.agrees_with_others(said)
    assert caught.value.params["contract"] == str(standing.contract)
    assert caught.value.params["clause"] == "contract scope"


@pytest.mark.parametrize(
    "said",
    [
        terms(version=2, replaces="0" * 64),
        other(purposes=[OTHER]),
        other(elements=["person.account"]),
        other(effective="2027-09-01", expires="2028-08-30"),
        other(exporter=BANK | {"code": "other-bank"}),
        other(exporter=LENDER, importer=BANK),
    ],
    ids=["the next version", "another purpose", "other data", "afterwards", "another bank", "the other way"],
)
def test_two_contracts_that_agree(standing, said):
    checks.agrees_with_others(said)


@pytest.mark.parametrize(("first_day", "binds"), [("2099-01-30", True), ("2099-01-31", False)])
def test_what_is_replaced_later_binds_until_then(standing, first_day, binds):
    Contract.objects.update(state=State.REPLACED, ended_on=date(2099, 1, 31), expires=date(2099, 12, 31))
    said = other(effective=first_day, expires="2099-12-31")
    if not binds:
        checks.agrees_with_others(said)
        return
    with pytest.raises(errors.ContractsDisagree):
        checks.agrees_with_others(said)


@pytest.mark.parametrize("state", [State.DRAFT, State.REFUSED, State.REPLACED, State.ENDED])
def test_what_binds_nobody_disagrees_with_nothing(standing, state):
    Contract.objects.update(state=state)
    checks.agrees_with_others(other())
