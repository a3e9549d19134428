"""Archived documents get new time-stamps in time, by a real authority, and nothing is written half."""

from __future__ import annotations

import asyncio
import hashlib
import io
from dataclasses import replace
from datetime import timedelta

import pytest
from asn1crypto import x509
from django.utils import timezone
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper
from pyhanko.sign.validation import async_validate_pdf_timestamp
from pyhanko_certvalidator import ValidationContext

from kouan.apps.operations.alarms import WatchFacts, alarms
from kouan.apps.signing.making import keys, pdf, renewal
from kouan.apps.signing.making.errors import NotRenewable
from kouan.apps.signing.models import ArchivedDocument
from kouan.core.exchange import stamping
from kouan.core.watch import concerns
from kouan.sections import TimeSettings, WatchSettings

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


@pytest.fixture
def archived(node, authority, paper):
    """A signed PDF with a document time-stamp of the authority."""
    signed = pdf.sign(paper, keys.signer("rsa"))
    output = PdfTimeStamper(stamping.stamper()).timestamp_pdf(
        IncrementalPdfFileWriter(io.BytesIO(signed)), "sha256", None, output=io.BytesIO()
    )
    return output.getvalue()


def stamps(content):
    return PdfFileReader(io.BytesIO(bytes(content))).embedded_timestamp_signatures


def test_a_stamp_is_renewed_before_it_ends_and_each_covers_the_one_before(archived, authority):
    number = renewal.keep(archived, file_name="licence.pdf")
    row = ArchivedDocument.objects.get(pk=number)
    now = timezone.now()
    assert now < row.renew_at <= now + WEEK
    assert renewal.renew_due(row.renew_at - timedelta(seconds=1)) is False
    asked = len(authority.asked)
    assert renewal.renew_due(row.renew_at + timedelta(seconds=1)) is True
    row.refresh_from_db()
    assert len(authority.asked) > asked
    assert (row.renewals, row.problem) == (1, "")
    assert bytes(row.content).startswith(archived)
    assert hashlib.sha256(row.content).digest() == bytes(row.sha256)
    found = stamps(row.content)
    assert len(found) == 2
    root = x509.Certificate.load(_der(authority.ca))
    for each in found:
        status = asyncio.run(
            async_validate_pdf_timestamp(each, ValidationContext(trust_roots=[root], allow_fetching=False))
        )
        assert status.valid
        assert status.intact
    # The next is not due at once, although the authority's certificate ends within the margin.
    assert row.renew_at > now + WEEK
    assert renewal.renew_due(now + WEEK + timedelta(hours=2)) is False


def test_an_authority_that_is_silent_leaves_the_file_and_is_asked_again(archived, authority, settings):
    number = renewal.keep(archived, file_name="licence.pdf")
    settings.NODE = replace(settings.NODE, time=TimeSettings("http://127.0.0.1:9", authority.ca))
    due = ArchivedDocument.objects.get(pk=number).renew_at + timedelta(seconds=1)
    assert renewal.renew_due(due) is True
    row = ArchivedDocument.objects.get(pk=number)
    assert bytes(row.content) == archived
    assert "127.0.0.1" in row.problem
    assert renewal.renew_due(due) is False
    assert renewal.renew_due(due + renewal.AGAIN + timedelta(seconds=1)) is True


def raised(now):
    """The alarms about documents whose renewal is late, as watching raises them."""
    found = alarms(WatchFacts(concerns=concerns.known(now)), WatchSettings(), now)
    return [each for each in found if each.kind == "renewal-late"]


def test_a_renewal_that_fails_for_longer_than_a_second_try_is_an_alarm_until_it_is_made(
    archived, authority, settings, django_assert_num_queries
):
    right = settings.NODE
    number = renewal.keep(archived, file_name="licence.pdf")
    settings.NODE = replace(right, time=TimeSettings("http://127.0.0.1:9", authority.ca))
    due = ArchivedDocument.objects.get(pk=number).renew_at
    first = due + timedelta(seconds=1)
    assert renewal.renew_due(first)
    assert raised(first) == []
    second = due + renewal.AGAIN + timedelta(seconds=2)
    assert renewal.renew_due(second)
    (alarm,) = raised(second)
    assert (alarm.about, alarm.value) == ("", 1)
    with django_assert_num_queries(1) as asked:
        list(renewal.late(second))
    assert "content" not in asked[0]["sql"]
    settings.NODE = right
    renewal.again(number)
    assert renewal.renew_due(second)
    assert raised(second) == []


def test_a_file_that_was_changed_in_the_database_is_not_stamped_anew(archived):
    number = renewal.keep(archived, file_name="licence.pdf")
    ArchivedDocument.objects.filter(pk=number).update(content=archived + b"%")
    due = ArchivedDocument.objects.get(pk=number).renew_at + timedelta(seconds=1)
    renewal.renew_due(due)
    assert "changed" in ArchivedDocument.objects.get(pk=number).problem


@pytest.mark.parametrize("change", ["content", "stamp", "junk", "none"])
def test_only_a_file_whose_last_stamp_holds_is_kept(archived, paper, change):
    at = {"content": archived.index(b"/Page"), "stamp": archived.rindex(b"/Contents <") + 200}.get(change, 0)
    files = {"junk": b"junk", "none": paper}
    damaged = files.get(change) or archived[:at] + bytes([archived[at] ^ 1]) + archived[at + 1 :]
    with pytest.raises(NotRenewable):
        renewal.keep(damaged, file_name="x.pdf")
    assert not ArchivedDocument.objects.exists()


def test_a_stamp_of_another_authority_is_not_kept(archived, authority, settings):
    other = authority.folder / "other.pem"
    settings.NODE = replace(settings.NODE, time=TimeSettings("http://127.0.0.1:9", other))
    with pytest.raises(NotRenewable):
        renewal.keep(archived, file_name="x.pdf")
    settings.NODE = replace(settings.NODE, time=None)
    with pytest.raises(NotRenewable, match=r"\[time\]"):
        renewal.keep(archived, file_name="x.pdf")


def _der(path):
    from asn1crypto import pem  # noqa: PLC0415 - one use

    return pem.unarmor(path.read_bytes())[2]
