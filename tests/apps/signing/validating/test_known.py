"""What files are judged by: how much revocation data, which roots as time goes on, and many files at once."""

from __future__ import annotations

import csv
import io
import os

import pytest
from click.testing import CliRunner
from django.utils import timezone

import signed_papers as papers
from kouan.apps.signing.lists import domain
from kouan.apps.signing.lists import queries as lists
from kouan.apps.signing.models import RevocationData
from kouan.apps.signing.validating import bundles, pool, report, services
from kouan.apps.signing.validating.algorithms import Checker
from kouan.apps.signing.validating.commands import validate
from kouan.apps.signing.validating.engine import Engine
from kouan.apps.signing.validating.errors import ValidationBusy
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.recognising import with_recognition
from kouan.apps.signing.validating.trust import Trust
from kouan.core.text import Localised
from signed_papers import DAY, NOW

NAME = Localised("Test", "測試", "测试")


def entry(root, issuing, *, code="entry", since=papers.SINCE):
    return domain.Entry(
        code=code, name=NAME, provider=NAME, certificate_type=domain.CertificateType.PERSONAL,
        root=root, issuing_ca=issuing, recognised_from=since, recognised_until=papers.UNTIL,
        history=(domain.StatusChange(domain.Status.RECOGNISED, since),),
    )  # fmt: skip


def edition(*entries):
    now = timezone.now()
    return domain.Edition("hk", 1, now - DAY, now + 30 * DAY, entries, digest=bytes(32))


@pytest.fixture
def nothing_listed(db, monkeypatch):
    monkeypatch.setattr(lists, "current", tuple)
    monkeypatch.setattr(services, "_trusts", {})  # a row of another test may have had the same number


def stored(*data):
    bundles.store([bundles.read(each, name="list") for each in data], source="test")
    return data


def sized(*data):
    return sum(map(len, data))


# Revocation data


@pytest.fixture
def daily(nothing_listed):
    """An authority's list of each day, one above it of last year, and one cut in two of today."""
    now = timezone.now()
    of_days = [
        papers.crl(papers.authority(), at=now - day * DAY, until=now - (day - 1) * DAY) for day in range(4)
    ]
    rare = papers.crl(papers.root(), at=now - 300 * DAY, until=now - 200 * DAY)
    parts = [papers.crl(papers.stamper(), at=now - hour * DAY / 24, until=now + DAY) for hour in range(3)]
    stored(*reversed(of_days), rare, *parts)
    return of_days, rare, parts


def test_all_revocation_data_is_judged_by_while_it_is_not_too_much(daily):
    of_days, rare, parts = daily
    assert set(services.trust().crls) == {*of_days, rare, *parts}


def test_of_too_much_the_newest_of_each_issuer_and_all_in_its_time_come_first(daily, monkeypatch):
    of_days, rare, parts = daily
    needed = {of_days[0], rare, *parts}
    monkeypatch.setattr(services, "_MOST_DATA", sized(*needed))
    assert set(services.trust().crls) == needed


def test_then_come_those_of_earlier_times_the_newest_first(daily, monkeypatch):
    of_days, rare, parts = daily
    held = {*of_days[:3], rare, *parts}
    monkeypatch.setattr(services, "_MOST_DATA", sized(*held))
    assert set(services.trust().crls) == held


def test_a_list_that_is_too_large_by_itself_keeps_out_no_other(nothing_listed, monkeypatch):
    now = timezone.now()
    large = papers.crl(
        papers.authority(), [(serial, now) for serial in range(1, 200)], at=now, until=now + DAY
    )
    small = papers.crl(papers.root(), at=now, until=now + DAY)
    stored(large, small)
    monkeypatch.setattr(services, "_MOST_DATA", len(large) - 1)
    assert services.trust().crls == (small,)


def test_data_without_a_next_update_is_erased_by_when_it_came_in(nothing_listed):
    now = timezone.now()
    stored(*(papers.crl(papers.root(), at=now - day * DAY, until=now + DAY) for day in range(4)))
    for row, (next_update, received_at) in zip(
        RevocationData.objects.order_by("pk"),
        [(None, now - 399 * DAY), (None, now - 401 * DAY), (now, now - 401 * DAY), (now - 401 * DAY, now)],
        strict=True,
    ):
        row.next_update, row.received_at = next_update, received_at
        row.save()
    first, _, third, _ = RevocationData.objects.order_by("pk")
    services.forget()
    assert list(RevocationData.objects.order_by("pk")) == [first, third]


# Roots


def test_a_root_counts_from_its_entrys_first_moment_without_another_edition(db, monkeypatch):
    now = timezone.now()
    root, later = papers.root().der, papers.sm2_root().certificate.dump()
    listed = edition(
        entry(root, papers.authority().der),
        entry(later, papers.sm2_authority().certificate.dump(), code="later", since=now + DAY),
    )
    monkeypatch.setattr(lists, "current", lambda: (listed,))
    assert services.trust().roots == (root,)
    monkeypatch.setattr(timezone, "now", lambda: now + 2 * DAY)
    assert set(services.trust().roots) == {root, later}


# Several signers in one file


def test_of_signatures_that_hold_the_one_that_is_not_recognised_is_told_of():
    trust = Trust(
        roots=(papers.root().der,),
        crls=(papers.crl(papers.root()), papers.crl(papers.authority())),
        moment=NOW,
    )
    known = validated(io.BytesIO(papers.signed_pdf()), Engine(trust, Checker())).signatures[0]
    noted = report.Reason(code="later-form-data")
    other = validated(io.BytesIO(papers.signed_cms(papers.signer(name="Ho"))), Engine(trust, Checker()))
    unknown = other.signatures[0].model_copy(update={"chain": other.signatures[0].chain[:1]})
    known = known.model_copy(update={"reasons": (noted,)})
    listed = edition(entry(papers.root().der, papers.authority().der))
    for signatures in ((known, unknown), (unknown, known)):
        whole = report.summed(
            signatures, format_="pdf", digest="", size=0, pages=1, pinned=report.Pinned(),
            notes=(report.Reason(code="a-note"),),
        )  # fmt: skip
        found = with_recognition(whole, (listed,), now=NOW)
        assert (found.verdict, found.recognised, found.signer) == ("TOTAL-PASSED", False, "Ho")
        assert [each.code for each in found.reasons] == ["a-note", "unknown-root"]
    both = report.summed((known, known), format_="pdf", digest="", size=0, pages=1, pinned=report.Pinned())
    found = with_recognition(both, (listed,), now=NOW)
    assert (found.recognised, found.signer, found.reasons) == (True, "Chan Tai Man", (noted,))


# Many files


def rows_of(paths):
    done = CliRunner().invoke(validate, [str(each) for each in paths])
    return done.exit_code, [each["reasons"] for each in csv.DictReader(io.StringIO(done.stdout))]


@pytest.mark.django_db(transaction=True)
def test_no_file_of_many_waits_for_a_worker(tmp_path, monkeypatch):
    monkeypatch.setattr(lists, "current", tuple)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr(pool, "_pools", {})
    monkeypatch.setattr(pool, "_WAIT", 0.001)
    paths = [tmp_path / f"{number}.p7s" for number in range(4)]
    for each in paths:
        each.write_bytes(papers.signed_cms())
    try:
        status, reasons = rows_of(paths)
    finally:
        pool.shared().close()
    assert (status, len(reasons)) == (1, 4)
    assert all("unknown-root" in each for each in reasons), reasons


@pytest.mark.django_db(transaction=True)
def test_a_file_over_which_something_fails_takes_no_other_report_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(lists, "current", tuple)
    judged = services.validate

    def failing(file, document=None):
        if str(file.name).endswith("b"):
            raise ValidationBusy
        return judged(file, document)

    monkeypatch.setattr(services, "validate", failing)
    paths = [tmp_path / name for name in "abc"]
    for each in paths:
        each.write_bytes(b"nothing")
    assert rows_of(paths) == (1, ["unknown-format", "not-validated", "unknown-format"])
