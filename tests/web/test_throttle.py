from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from kouan.web.models import Attempt
from kouan.web.throttle import Throttle, TooManyTriesError, subscriber

pytestmark = pytest.mark.django_db
TWICE = Throttle("test", limit=2, window=timedelta(seconds=30))


def test_the_limit_holds_for_one_subject_and_names_the_wait():
    TWICE.take("a")
    TWICE.take("a")
    TWICE.take("b")
    with pytest.raises(TooManyTriesError) as refused:
        TWICE.take("a")
    assert 0 < refused.value.params["seconds"] <= 30


def test_the_window_slides():
    TWICE.take("a")
    Attempt.objects.update(at=timezone.now() - timedelta(seconds=29))
    TWICE.take("a")
    assert TWICE.wait("a") == 1
    Attempt.objects.order_by("at").filter(at__lt=timezone.now() - timedelta(seconds=20)).update(
        at=timezone.now() - timedelta(seconds=31)
    )
    assert TWICE.wait("a") == 0


def test_what_no_longer_counts_is_forgotten():
    TWICE.take("a")
    Attempt.objects.update(at=timezone.now() - timedelta(seconds=31))
    TWICE.take("b")
    assert Attempt.objects.count() == 1


def test_scopes_and_joined_parts_are_kept_apart():
    other = Throttle("other", limit=1, window=timedelta(seconds=30))
    other.take("a", "bc")
    assert other.wait("ab", "c") == 0
    assert TWICE.wait("a", "bc") == 0


def test_a_good_try_is_given_back():
    TWICE.take("a")
    TWICE.take("a")
    TWICE.give_back("a")
    TWICE.take("a")
    TWICE.give_back("nobody")


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_what_one_subscriber_has_counts_as_one(address, subject):
    assert subscriber(address) == subject
