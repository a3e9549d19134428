"""Residents: one for each account; what is kept of them, and for how long."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from kouan.apps.identity import residents
from kouan.apps.identity.domain import HOME_SESSION_LIFE, Level
from kouan.apps.identity.errors import UnreadableSecret
from kouan.apps.identity.home.adapter import Ended, HomeSignIn
from kouan.apps.identity.models import HomeAccount, HomeAttempt, HomeSession, SignIn

NUMBER = "A1234563"
CLAIMS = {"name": "CHAN Siu Ming", "document_type": "hkid", "document_number": NUMBER}


def said(subject="subject-1", level=Level.HIGH, **more):
    given = {"authenticated_at": timezone.now(), "amr": ("hwk",), "claims": CLAIMS, "sid": "sid-1"}
    return HomeSignIn(subject, level, **given | more)


def signed_in(**more):
    return residents.signed_in(provider="the-provider", said=said(**more))


def rests_on(session):
    return SignIn.objects.create(
        client="library",
        service={},
        home_side="hk",
        resident=session.resident,
        home_session=session,
        subject="s" * 43,
        level=session.level,
        authenticated_at=session.authenticated_at,
        at=timezone.now(),
    )


@pytest.mark.django_db
def test_an_account_is_one_residents_for_good():
    assert signed_in().resident == signed_in().resident
    assert signed_in(subject="subject-2").resident != signed_in().resident
    other = residents.signed_in(provider="another", said=said())
    assert other.resident != signed_in().resident
    assert HomeAccount.objects.count() == 3


@pytest.mark.django_db
def test_what_a_provider_says_is_sealed():
    session = signed_in()

    session.refresh_from_db()
    assert residents.attributes_of(session) == CLAIMS
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - the database's own names
            for row in cursor.fetchall():
                assert NUMBER not in str(row)
                assert NUMBER.encode() not in b"".join(
                    bytes(each) for each in row if isinstance(each, (bytes, memoryview))
                )


@pytest.mark.django_db
def test_what_was_sealed_for_one_session_does_not_open_in_another():
    one, other = signed_in(), signed_in(subject="subject-2")
    other.attributes = one.attributes
    with pytest.raises(UnreadableSecret):
        residents.attributes_of(other)


@pytest.mark.django_db
def test_the_end_erases_and_ends_what_rests_on_it():
    session = signed_in()
    sign_in = rests_on(session)

    assert residents.end(session=session, by="resident") is True
    assert residents.end(session=session, by="resident") is False

    session.refresh_from_db()
    sign_in.refresh_from_db()
    assert session.attributes is None
    assert residents.attributes_of(session) == {}
    assert sign_in.ended_by == "resident"


@pytest.mark.django_db
def test_time_ends_a_session():
    session, other = signed_in(), signed_in()
    sign_in = rests_on(session)
    HomeSession.objects.filter(pk=session.pk).update(expires_at=timezone.now())

    assert residents.expire() is False

    session.refresh_from_db()
    sign_in.refresh_from_db()
    other.refresh_from_db()
    assert session.attributes is None
    assert sign_in.ended_by == "expired"
    assert other.ended_at is None


@pytest.mark.django_db
def test_the_bare_row_goes_in_the_end_and_the_sign_in_stays():
    session = signed_in()
    sign_in = rests_on(session)
    residents.end(session=session, by="resident")
    HomeSession.objects.update(ended_at=timezone.now() - residents.KEPT)

    residents.expire()

    sign_in.refresh_from_db()
    assert HomeSession.objects.count() == 0
    assert sign_in.home_session is None


@pytest.mark.django_db
def test_attempts_that_nobody_came_back_from_are_forgotten():
    row = {"browser": b"b" * 32, "provider": "p", "kept": b"", "level": 2}
    HomeAttempt.objects.create(state=b"1" * 32, expires_at=timezone.now(), **row)
    HomeAttempt.objects.create(state=b"2" * 32, expires_at=timezone.now() + timedelta(hours=1), **row)
    residents.expire()
    assert [bytes(each.state) for each in HomeAttempt.objects.all()] == [b"2" * 32]


@pytest.mark.django_db
def test_a_providers_word_names_a_session_or_a_person():
    one, two, other = signed_in(), signed_in(sid="sid-2"), signed_in(subject="subject-2")

    def end(jti, **named):
        return residents.ended_at_provider(provider="the-provider", notice=Ended(jti, **named))

    assert end("1", sid="sid-1", subject="subject-2") == 1
    assert end("2", sid="sid-2") == 1
    assert end("2", subject="subject-1") == 0, "its number was shown before"
    assert end("3", subject="subject-1") == 1
    for session in (one, two, other):
        session.refresh_from_db()
        assert session.ended_at is not None
    assert residents.ended_at_provider(provider="another", notice=Ended("3", subject="subject-1")) == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("minutes", "asked", "suits"),
    [
        (0, {"level": Level.HIGH}, True),
        (6, {"level": Level.HIGH}, False),
        (6, {"level": Level.SUBSTANTIAL}, True),
        (6, {"level": Level.LOW, "max_age": 359}, False),
        (6, {"level": Level.LOW, "max_age": 361}, True),
        (0, {"level": Level.LOW, "prompt": ("login",)}, False),
        (0, {"level": Level.LOW, "prompt": ("select_account",)}, False),
        (0, {"level": Level.LOW, "prompt": ("consent",)}, True),
    ],
)
def test_what_a_session_is_good_for(minutes, asked, suits):
    session = signed_in(authenticated_at=timezone.now() - timedelta(minutes=minutes))
    assert residents.suits(session, **asked) is suits


@pytest.mark.django_db
def test_a_session_that_is_over_is_good_for_nothing():
    session = signed_in()
    later = timezone.now() + HOME_SESSION_LIFE
    assert not residents.suits(session, level=Level.LOW, now=later)
    session.ended_at = timezone.now()
    assert not residents.suits(session, level=Level.LOW)


@pytest.mark.django_db
def test_a_time_that_is_yet_to_come_is_now():
    session = signed_in(authenticated_at=timezone.now() + timedelta(hours=1))
    assert session.authenticated_at <= timezone.now()


def test_what_was_said_is_in_no_words_about_it():
    assert NUMBER not in repr(said())
    assert json.dumps(CLAIMS)[1:20] not in repr(said())


@pytest.mark.django_db
def test_the_highest_level_is_of_who_has_just_authenticated():
    """A provider that knows the person from hours ago may name the highest level all the same."""
    old = signed_in(authenticated_at=timezone.now() - timedelta(minutes=6))
    assert (old.level, HomeSession.objects.get(pk=old.pk).level) == (Level.SUBSTANTIAL, Level.SUBSTANTIAL)
    assert signed_in(authenticated_at=timezone.now() - timedelta(minutes=4)).level == Level.HIGH
