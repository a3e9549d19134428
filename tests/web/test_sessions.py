"""Browsers' sessions: written once a request, and never lost with a transaction that was taken back."""

from __future__ import annotations

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from kouan.web.sessions import SessionStore

pytestmark = pytest.mark.django_db(transaction=True)


def writes(queries):
    return [each["sql"] for each in queries if each["sql"].split()[0] in {"INSERT", "UPDATE", "DELETE"}]


def test_a_session_that_was_begun_is_not_written_again_unless_it_changed():
    session = SessionStore()
    session["name"] = "one"
    with CaptureQueriesContext(connection) as queries:
        session.create()
        session.save()
    assert len(writes(queries)) == 1
    session["name"] = "two"
    with CaptureQueriesContext(connection) as queries:
        session.save()
        session.save()
    assert len(writes(queries)) == 1
    assert SessionStore(session.session_key)["name"] == "two"


def test_a_new_key_takes_what_was_there_along():
    session = SessionStore()
    session["name"] = "one"
    session.create()
    old = session.session_key
    session["name"] = "two"
    session.cycle_key()
    session.save()
    assert SessionStore(session.session_key)["name"] == "two"
    assert not Session.objects.filter(session_key=old).exists()


def test_a_session_that_was_taken_back_is_written_again():
    session = SessionStore()
    session["name"] = "one"
    with transaction.atomic():
        session.create()
        transaction.set_rollback(True)
    assert not Session.objects.exists()
    session.save()
    assert SessionStore(session.session_key)["name"] == "one"


def test_a_session_that_another_request_ended_does_not_come_back():
    session = SessionStore()
    session["name"] = "one"
    session.create()
    Session.objects.all().delete()
    session["name"] = "two"
    with pytest.raises(UpdateError):
        session.save()
    other = SessionStore(session.session_key)
    assert "name" not in other
