"""Whether a list recognises a certificate: every condition, alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from apps.signing.made import DAY, ISSUED, POLICY, authority, edition, entry
from kouan.apps.signing.domain import PolicyVersion, policy_versions
from kouan.apps.signing.lists.changes import on_day, told_at, with_past
from kouan.apps.signing.lists.domain import CertificateType, Reason, Types, anchors, recognise

AT = datetime(2026, 5, 5, tzinfo=UTC)


def judged(*editions, **changes):
    listed = entry()
    asked = {
        "root": listed.root, "issuing_ca": listed.issuing_ca, "policies": {POLICY, "1.2.3"},
        "types": Types(frozenset({CertificateType.PERSONAL})), "at": AT,
    }  # fmt: skip
    return recognise(editions, **asked | changes)


def test_all_conditions_hold():
    found = judged(edition(entry()))
    assert found.recognised
    assert found.entry.code == "harbour-personal"
    assert found.edition.side == "gd"
    assert not found.overdue


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"root": authority("Other").root}, Reason.UNKNOWN_ROOT),
        ({"issuing_ca": entry().root}, Reason.UNKNOWN_ISSUING_CA),
        ({"types": Types(frozenset({CertificateType.SEAL}))}, Reason.OTHER_TYPE),
        ({"types": Types(frozenset({CertificateType.SEAL}), declared=False)}, Reason.OTHER_TYPE),
        ({"types": Types(frozenset())}, Reason.OTHER_TYPE),
        ({"policies": {"1.2.3"}}, Reason.NO_POLICY),
        ({"policies": {"2.16.344.8.2.2008.810.2.2012.1"}}, Reason.NO_POLICY),
        ({"policies": {"2.16.344.8.2.2008.810.2.2012.1.0.1"}}, Reason.NO_POLICY),
        ({"policies": {"2.16.344.8.2.2008.810.22.2012.1.0"}}, Reason.NO_POLICY),
        ({"at": datetime(2023, 12, 31, 15, 59, 59, tzinfo=UTC)}, Reason.NOT_YET),
        ({"at": datetime(2023, 12, 31, 16, 0, 0, tzinfo=UTC)}, Reason.RECOGNISED),
        ({"at": datetime(2033, 12, 31, 15, 59, 59, tzinfo=UTC)}, Reason.RECOGNISED),
        ({"at": datetime(2033, 12, 31, 16, 0, 0, tzinfo=UTC)}, Reason.ENDED),
        ({"types": Types(frozenset(CertificateType), declared=False)}, Reason.RECOGNISED),
        ({"types": None}, Reason.RECOGNISED),
    ],
)
def test_each_condition_alone_decides(changes, reason):
    assert judged(edition(entry()), **changes).reason is reason


def test_without_a_list_nothing_is_recognised():
    assert judged().reason is Reason.NO_LIST


def test_what_was_signed_before_a_withdrawal_still_counts():
    listed = edition(entry(withdrawn_on=date(2026, 5, 1), reason="Key lost"))
    before = datetime(2026, 4, 30, 15, 59, 59, tzinfo=UTC)
    assert judged(listed, at=before).recognised
    assert judged(listed, at=before + timedelta(seconds=1)).reason is Reason.WITHDRAWN


def test_a_superseded_ca_counts_for_what_it_issued_before():
    listed = edition(entry(superseded_on=date(2026, 5, 1)))
    assert judged(listed, issued_at=datetime(2026, 4, 1, tzinfo=UTC)).recognised
    assert judged(listed, issued_at=datetime(2026, 5, 2, tzinfo=UTC)).reason is Reason.SUPERSEDED


def test_the_type_is_told_by_the_cas_own_policies_too():
    listed = edition(entry(type_policies=("1.2.156.1",)))
    assert judged(listed).reason is Reason.OTHER_TYPE
    both = {POLICY, "1.2.156.1"}
    assert judged(listed, types=None, policies=both).recognised
    # They decide before the holder's names do, and not before what the certificate states.
    seal = frozenset({CertificateType.SEAL})
    assert judged(listed, types=Types(seal, declared=False), policies=both).recognised
    assert judged(listed, types=Types(seal), policies=both).reason is Reason.OTHER_TYPE


def test_policies_apply_from_the_edition_on_that_names_them():
    first = edition(entry())
    second = edition(entry(type_policies=("1.2.156.1",)), sequence=2, at=ISSUED + 30 * DAY)
    third = edition(entry(type_policies=("1.2.156.2",)), sequence=3, at=ISSUED + 60 * DAY)
    newest = with_past([first, second, third])
    assert newest == third
    for at, policy, recognised in (
        (ISSUED - 100 * DAY, "1.2.3", True),
        (ISSUED + 29 * DAY, "1.2.3", True),
        (ISSUED + 30 * DAY, "1.2.3", False),
        (ISSUED + 30 * DAY, "1.2.156.1", True),
        (ISSUED + 60 * DAY, "1.2.156.1", False),
        (ISSUED + 90 * DAY, "1.2.156.2", True),
    ):
        found = judged(newest, at=at, policies={POLICY, policy})
        assert found.recognised is recognised, (at, policy)


def test_where_a_ca_was_superseded_it_must_be_said_when_the_certificate_was_issued():
    listed = edition(entry(superseded_on=date(2025, 5, 5)))
    assert judged(listed).reason is Reason.ISSUED_WHEN
    assert not judged(listed).recognised
    assert judged(listed, issued_at=datetime(2025, 5, 1, tzinfo=UTC)).recognised
    assert judged(listed, at=datetime(2025, 5, 1, tzinfo=UTC)).recognised


def test_the_list_that_recognises_it_is_preferred_to_one_that_does_not():
    withdrawn = edition(entry(withdrawn_on=date(2026, 1, 1), reason="Closed"), side="hk")
    assert judged(withdrawn, edition(entry())).edition.side == "gd"
    assert judged(withdrawn).reason is Reason.WITHDRAWN


def test_a_list_whose_next_edition_is_overdue_says_so():
    assert judged(edition(entry()), now=ISSUED + 91 * DAY).overdue
    assert not judged(edition(entry()), now=ISSUED + 89 * DAY).overdue


def test_roots_are_anchors_once_whoever_lists_them():
    both = anchors([edition(entry()), edition(entry("other"), side="hk")], AT)
    assert [each.sides for each in both] == [("gd", "hk")]
    assert anchors([edition(entry())], datetime(2020, 1, 1, tzinfo=UTC)) == ()


def test_years_versions_and_releases_are_read_from_policies():
    found = policy_versions([f"{POLICY[:-8]}2015.2.1", POLICY, "x", "2.16.344.8.2.2008.810.2.1999.1.0"])
    assert found == (PolicyVersion(2012, 1, 0), PolicyVersion(2015, 2, 1))


def test_each_change_has_the_day_on_which_it_was_published():
    first = edition(entry("other"))
    second = edition(entry("other"), entry(), sequence=2, at=ISSUED + DAY)
    listed = entry(withdrawn_on=date(2026, 3, 5), reason="Found out later")
    third = edition(entry("other"), listed, sequence=3, at=ISSUED + 30 * DAY)
    told = told_at([first, second, third], "harbour-personal")
    assert told == (second.issued_at, third.issued_at)
    assert told_at([first, second, third], "other") == (first.issued_at,)


def test_a_day_is_judged_by_the_newest_list_and_by_the_one_in_force_then():
    first = edition(entry())
    second = edition(
        entry(withdrawn_on=date(2026, 3, 5), reason="Found out later"), sequence=2, at=ISSUED + 30 * DAY
    )
    answer = on_day([first, second], "harbour-personal", ISSUED + 10 * DAY)
    assert (answer.stood, answer.stood_then, answer.in_force.sequence) == ("withdrawn", "recognised", 1)
    assert not answer.recognised
    early = on_day([first, second], "harbour-personal", ISSUED - DAY)
    assert (early.recognised, early.in_force, early.stood_then) == (True, None, "not-listed")
    assert on_day([first], "nobody", ISSUED) is None
