"""What an application holds of the person is erased once this side's term is over, and what is left of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.urls import reverse

from kouan.apps.services.applying import acting, erasing
from kouan.apps.services.models import Application, ApplicationEvent
from kouan.core.exchange.models import OutboxBody


@pytest.fixture
def ended(sent, gd):
    """An application that was refused so many days ago."""

    def make(days):
        row = sent()
        gd.move(row, "refuse", "refused", words="You live elsewhere.")
        gd.hear()
        ago = timedelta(days=days)
        Application.objects.update(updated_at=F("updated_at") - ago)
        ApplicationEvent.objects.update(at=F("at") - ago)
        return row

    return make


def holds(row):
    row.refresh_from_db()
    sealed = [row.answers, row.picks, row.email, row.receipt, row.result, row.credential, row.subject]
    kept = sum(map(bool, [*sealed, *row.events.values_list("told", flat=True)]))
    return kept + row.files.count() + row.cosignatures.count() + row.notices.count()


def test_before_its_term_is_over_nothing_is_erased(ended):
    row = ended(2556)
    before = holds(row)
    assert before > 4
    assert erasing.run() is False
    assert (holds(row), row.erased_at) == (before, None)


def test_after_its_term_the_person_still_sees_that_it_was_and_how_it_ended(ended, gd, chan):
    row = ended(2558)
    assert OutboxBody.objects.filter(message__conversation=row.key).exists()
    assert erasing.run() is False
    assert holds(row) == 0
    assert (row.state, row.reference, row.person != "") == ("refused", gd.reference, True)
    assert acting.allowed(row) == []
    assert not OutboxBody.objects.filter(message__conversation=row.key).exists()
    text = chan.browser.get(reverse("services:application", args=[row.key])).content.decode()
    assert "what it held of you was erased here" in text
    assert "You live elsewhere." not in text
    for name in ("services:readers-of", "services:mine"):
        args = [row.key] if name == "services:readers-of" else []
        assert chan.browser.get(reverse(name, args=args)).status_code == 200
    events = row.events.count()
    erasing.run()
    assert row.events.count() == events


def test_one_in_which_something_happened_since_is_kept(ended, gd):
    row = ended(2558)
    gd.move(row, "message", "refused", words="We look at it again.")
    before = holds(row)
    erasing.run()
    assert holds(row) == before


def test_one_that_is_under_way_is_kept_however_old_it_is(ended):
    row = ended(9000)
    Application.objects.update(state="in-review")
    before = holds(row)
    erasing.run()
    assert holds(row) == before
