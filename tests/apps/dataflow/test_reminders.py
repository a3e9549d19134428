"""Filings and contracts' ends become alarms in time, and go when they are seen to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from kouan.apps.dataflow import contracts, filings
from kouan.apps.dataflow.models import Contract, Filing
from kouan.apps.operations import watching
from kouan.apps.operations.models import AlarmRow

KINDS = {"filing-due", "filing-late", "contract-ending"}


def raised():
    watching.watch()
    rows = AlarmRow.objects.filter(cleared_at__isnull=True, kind__in=KINDS)
    return sorted(rows.values_list("kind", "about", "value"))


@pytest.fixture
def made(signed, gd):
    row = signed()
    gd.hear()
    return row


def test_a_contract_just_signed_calls_for_nobody(made):
    assert raised() == []


@pytest.mark.parametrize(
    ("days", "kind", "value"), [(3, "filing-due", 3), (0, "filing-due", 0), (-2, "filing-late", 2)]
)
def test_a_filing_is_an_alarm_until_it_is_made(made, today, days, kind, value):
    """Of either side: the other side's that is late stops the flow here too."""
    Filing.objects.update(due_on=today + timedelta(days=days))
    assert raised() == [(kind, f"gd {made.contract}", value), (kind, f"hk {made.contract}", value)]
    filings.filed(digest=bytes(made.digest), filed_on=today, reference="GBA-1")
    assert raised() == [(kind, f"gd {made.contract}", value)]


def test_it_goes_from_due_to_late(made, today):
    Filing.objects.filter(side="gd").delete()
    Filing.objects.update(due_on=today)
    assert [kind for kind, *_rest in raised()] == ["filing-due"]
    Filing.objects.update(due_on=today - timedelta(days=1))
    assert [kind for kind, *_rest in raised()] == ["filing-late"]


def test_a_contract_that_ends_within_a_month_is_an_alarm(made, today):
    Contract.objects.update(expires=today + timedelta(days=32))
    assert raised() == []
    Contract.objects.update(expires=today + timedelta(days=31))
    assert raised() == [("contract-ending", str(made.contract), 31)]
    Contract.objects.update(expires=today - timedelta(days=1))
    assert raised() == []


def test_what_was_ended_calls_for_nobody(made, today):
    Filing.objects.update(due_on=today)
    Contract.objects.update(expires=today + timedelta(days=5))
    assert len(raised()) == 3
    contracts.end(digest=bytes(made.digest), reason="The bank closes.")
    assert raised() == []


def test_the_days_are_those_of_the_settings(made, today, settings):
    watch = replace(settings.NODE.watch, filing_days=30, contract_days=400)
    settings.NODE = replace(settings.NODE, watch=watch)
    kinds = {each.kind for each in filings.near(timezone.now())}
    assert kinds == {"filing", "contract"}
