"""How much a member may take, and when it may come back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kouan.core.exchange.entrance.allowance import Allowances, Bucket, TooMuch
from kouan.sections import DoorSettings


def test_a_bucket_fills_again_and_may_be_owed():
    bucket = Bucket(rate=10, burst=20)
    assert bucket.open(0)
    bucket.take(50, 0)
    assert not bucket.open(1)
    assert bucket.pause() == pytest.approx(2.1)
    assert not bucket.open(2.9)
    assert bucket.open(3.1)
    assert bucket.open(1000)
    bucket.take(20, 1000)
    assert not bucket.open(1000)


@pytest.fixture
def allowances(settings):
    def make(**limits):
        settings.NODE = replace(settings.NODE, door=DoorSettings(**limits))
        return Allowances()

    return make


@pytest.mark.parametrize("what", ["bytes", "messages", "refusals"])
def test_what_was_brought_is_counted_against_the_next_request(allowances, what):
    counted = allowances(**{f"{what}_per_s": 1})
    with counted.request("gd"):
        counted.take("gd", **{what: 1000})
    with pytest.raises(TooMuch) as caught, counted.request("gd"):
        raise AssertionError("it was let in")
    assert (caught.value.status, caught.value.retry_after) == (429, 60)
    assert what in str(caught.value)
    with counted.request("mo"):
        pass


def test_requests_a_second_and_at_once(allowances):
    counted = allowances(requests_per_s=2, requests_at_once=1)
    with counted.request("gd"):
        with pytest.raises(TooMuch, match="at once") as caught, counted.request("gd"):
            raise AssertionError("it was let in")
        assert caught.value.retry_after == 1
        with counted.request("mo"):
            pass

    def ask_on():
        for _ in range(10_000):
            with counted.request("gd"):
                pass

    with pytest.raises(TooMuch, match="requests"):
        ask_on()
