"""Two things at one moment, on a database that both share: what is being sent is not erased."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from apps.identity.provider.test_meanwhile import at_one_moment, threads  # noqa: F401 - the fixture
from kouan.apps.services.applying import drafts, errors, expiry, sending
from kouan.apps.services.models import Application
from kouan.core.exchange.models import OutboxMessage

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def submit(filled, chan):
    """Fills in an application, and returns it with what sends it."""

    def make():
        with transaction.atomic():  # as the handler of a message, which publishes the service
            row = filled()
        draft = drafts.opened(drafts.mine(row.key, chan.person))

        def go():
            """Do what ``submit`` does in its transaction; files are sealed before that."""
            assert sending._taken(draft.row, draft)
            sending._send(draft, chan.person, [], [], "")

        return row, go

    return make


def is_sent(row):
    assert Application.objects.get(pk=row.pk).state == "sent"
    assert OutboxMessage.objects.filter(type="services.application", conversation=row.key).count() == 1


def test_what_is_put_away_while_it_is_sent_stays(threads, submit, chan):  # noqa: F811 - the fixture
    row, go = submit()

    def discard():
        try:
            drafts.discard(key=row.key, person=chan.person)
        except errors.NotEditable:
            return "sent"
        return "erased"

    assert at_one_moment(threads, go, discard)[1] == "sent"
    is_sent(row)


def test_what_lapses_while_it_is_sent_stays(threads, submit):  # noqa: F811 - the fixture
    row, go = submit()
    Application.objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    at_one_moment(threads, go, expiry.run)
    is_sent(row)
