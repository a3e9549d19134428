"""Alarms as an operator sees them: on the overview, on their own page, in the API."""

from __future__ import annotations

import pytest
from django.utils import timezone

from kouan.apps.operations import watching
from kouan.apps.operations.alarms import Alarm, AlarmKind

SILENT = Alarm(AlarmKind.PEER_SILENT, "gd", 400.0, 300.0)
ENDING = Alarm(AlarmKind.KEY_ENDING, "hk tls", 3.2, 30.0)


@pytest.fixture
def alarmed(node):
    watching.record([SILENT, ENDING], timezone.now())
    watching.record([ENDING], timezone.now())


def test_what_is_raised_is_on_the_overview(page, alarmed):
    text = page("/operations/").content.decode()
    assert "A key is near its end" in text
    assert "Hong Kong, TLS key" in text
    assert "A side is silent" not in text
    assert 'href="/operations/alarms/"' in text


def test_without_alarms_the_overview_has_no_room_for_them(page, node):
    assert 'id="alarms"' not in page("/operations/").content.decode()


def test_the_page_of_alarms_shows_what_is_raised_and_what_is_over(page, alarmed):
    text = page("/operations/alarms/").content.decode()
    raised, _, over = text.partition("Alarms that are over")
    assert "ends in 3 days" in raised
    assert "A side is silent" in over
    assert "Guangdong" in over


def test_the_page_of_alarms_says_that_there_are_none(page, node):
    text = page("/operations/alarms/").content.decode()
    assert "No alarm is raised" in text
    assert "No alarm was raised and cleared yet." in text


def test_the_page_is_an_operators(client, issuer, alarmed):
    assert client.get("/operations/alarms/").status_code == 302
    client.force_login(issuer)
    assert client.get("/operations/alarms/").status_code == 403
    assert client.get("/api/v1/operations/alarms").status_code == 401


def test_the_api_tells_the_same(page, alarmed):
    told = page("/api/v1/operations/alarms").json()
    assert [(one["alarm"], one["about"], one["cleared_at"]) for one in told["raised"]] == [
        ("key-ending", "hk tls", None)
    ]
    (over,) = told["over"]
    assert (over["alarm"], over["value"], over["limit"]) == ("peer-silent", 400.0, 300.0)
    assert over["cleared_at"] is not None
    assert over["sentence"].startswith("Nothing has been heard of Guangdong")
