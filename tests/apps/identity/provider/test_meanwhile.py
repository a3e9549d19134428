"""What ends a sign-in while another process finishes it, on a database that both share.

Each process is a thread of its own here, stopped in its transaction until the other one waits for it or is
through.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import close_old_connections, connection, transaction

from apps.identity.provider.software import error_of
from kouan.apps.identity import consents, residents
from kouan.apps.identity.domain import CLAIMS
from kouan.apps.identity.errors import InteractionOver
from kouan.apps.identity.models import (
    AccessToken,
    AuthorizationCode,
    ConsentReceipt,
    HomeSession,
    Interaction,
    SignIn,
)
from kouan.apps.identity.provider import finishing, interactions

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def threads():
    with ThreadPoolExecutor(2) as pool:
        yield pool


def _alone(work):
    close_old_connections()
    try:
        return work()
    finally:
        connection.close()


def at_one_moment(threads, first, second):
    """Do ``second`` while ``first`` is done and not committed; return what came of each."""
    begun, go_on = threading.Event(), threading.Event()

    def held():
        with transaction.atomic():
            try:
                return first()
            finally:
                begun.set()
                go_on.wait(30)

    one = threads.submit(_alone, held)
    assert begun.wait(30)
    other = threads.submit(_alone, second)
    end = time.monotonic() + 10
    while not other.done() and not _somebody_waits() and time.monotonic() < end:
        time.sleep(0.01)
    go_on.set()
    return one.result(60), other.result(60)


def _somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        return cursor.fetchone()[0]


@pytest.fixture
def agreed(software, person):
    """Somebody who has agreed and is on the way back; returns the client and the interaction."""
    client = software("public")
    row = person.arrive(client.way())
    person.agree(row)
    return client, row


def finish(row):
    return lambda: finishing.finish(key=row.key, browser=bytes(row.browser))


def withdraw(person):
    key = ConsentReceipt.objects.get().key
    return lambda: consents.withdraw(resident=person.resident, key=key)


def sign_out():
    (session,) = HomeSession.objects.all()
    return lambda: residents.end(session=session, by="resident")


def test_a_consent_that_is_withdrawn_while_a_sign_in_is_finished(threads, agreed, person):
    client, row = agreed
    location, count = at_one_moment(threads, finish(row), withdraw(person))
    assert count == 1
    assert SignIn.objects.get().ended_by == "consent-withdrawn"
    assert not AuthorizationCode.objects.exists()
    code = location.partition("code=")[2].partition("&")[0]
    assert error_of(client.redeem(code)) == "invalid_grant"


def test_a_sign_in_that_is_finished_while_its_consent_is_withdrawn(threads, agreed, person):
    _client, row = agreed

    def too_late():
        with pytest.raises(InteractionOver):
            finish(row)()

    at_one_moment(threads, withdraw(person), too_late)
    assert not SignIn.objects.exists()
    assert not Interaction.objects.exists()


def test_a_person_who_signs_out_while_a_sign_in_is_finished(threads, agreed):
    _client, row = agreed
    _location, ended = at_one_moment(threads, finish(row), sign_out())
    assert ended
    assert SignIn.objects.get().ended_by == "resident"
    assert not AuthorizationCode.objects.exists()


def test_a_sign_in_that_is_finished_while_the_person_signs_out(threads, agreed):
    _client, row = agreed

    def too_late():
        with pytest.raises(InteractionOver):
            finish(row)()

    at_one_moment(threads, sign_out(), too_late)
    assert not SignIn.objects.exists()


def at_consent(client, person):
    """Another sign-in of the same person, who is asked again."""
    row = person.arrive(client.way())
    return interactions.authenticated(key=row.key, browser=bytes(row.browser), session=person.session())


def give(row):
    return consents.give(key=row.key, browser=bytes(row.browser), ticked=CLAIMS)


def test_a_sign_in_is_finished_while_its_consent_serves_for_another(threads, agreed, person):
    client, row = agreed
    another = at_consent(client, person)
    with transaction.atomic():
        assert give(another).receipt == ConsentReceipt.objects.get()
        threads.submit(_alone, finish(row)).result(60)
    assert SignIn.objects.exists()


def test_who_agrees_waits_for_the_interaction_before_the_consent_is_held(threads, agreed, person):
    client, _row = agreed
    another = at_consent(client, person)
    with transaction.atomic():
        interactions.locked(key=another.key, browser=bytes(another.browser))
        agrees = threads.submit(_alone, lambda: give(another))
        end = time.monotonic() + 10
        while not _somebody_waits() and time.monotonic() < end:
            time.sleep(0.01)
        assert ConsentReceipt.objects.select_for_update(nowait=True).get()
    assert agrees.result(60).receipt is not None


@pytest.mark.parametrize("way", [withdraw, lambda _person: sign_out()], ids=["withdrawn", "signed-out"])
def test_a_code_that_is_redeemed_while_its_sign_in_is_ended(threads, agreed, person, way):
    client, row = agreed
    code = finish(row)().partition("code=")[2].partition("&")[0]
    answer, _ended = at_one_moment(threads, lambda: client.redeem(code), way(person))
    assert answer.status == 200, answer.body
    assert SignIn.objects.get().ended_at is not None
    assert SignIn.objects.get().told is None
    assert not AccessToken.objects.exists()


def test_a_sign_in_that_is_ended_while_its_code_is_redeemed(threads, agreed, person):
    client, row = agreed
    code = finish(row)().partition("code=")[2].partition("&")[0]
    _count, answer = at_one_moment(threads, withdraw(person), lambda: client.redeem(code))
    assert error_of(answer) == "invalid_grant"
    assert not AccessToken.objects.exists()
