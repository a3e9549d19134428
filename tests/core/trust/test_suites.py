from __future__ import annotations

import pytest

from kouan.core.trust.errors import NoCommonSuite, UnknownSuite
from kouan.core.trust.suites import DEFAULT_SUITE, EDDSA, ES256, SUITES, common_suite, get_suite


def test_a_suite_has_the_id_under_which_it_is_found():
    assert all(get_suite(number).id == number for number in SUITES)
    assert get_suite(DEFAULT_SUITE).cose_alg == ES256
    assert get_suite(2).cose_alg == EDDSA


@pytest.mark.parametrize("number", [0, 5, 255, -1])
def test_an_unknown_suite_is_refused(number):
    with pytest.raises(UnknownSuite, match=str(number)):
        get_suite(number)


def test_a_suite_that_the_other_side_does_not_list_is_not_used():
    assert common_suite(2, (1, 2, 9), side="gd").id == 2
    with pytest.raises(NoCommonSuite, match="gd"):
        common_suite(2, (1, 9), side="gd")
