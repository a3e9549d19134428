"""The pages of validation by fingerprint, in every state in which a person meets them."""

from __future__ import annotations

import io
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from browser.conftest import PHONE, beside_the_browser
from kouan.apps.validation import queries, services
from kouan.apps.validation.bulk import work
from kouan.apps.validation.domain import DocumentType, Outcome, Reference, RevocationReason
from kouan.apps.validation.models import AnsweredQuestion, Validation
from kouan.core.text import Localised

UNIVERSITY = Localised("Harbour University", "海港大學", "海港大学")


@pytest.fixture
def university(transactional_db, settings, tmp_path):
    settings.NODE = replace(settings.NODE, run=tmp_path / "run")
    return services.add_institution(code="harbour-university", name=UNIVERSITY)


@pytest.fixture
def issue(university):
    def issue(data: bytes = b"a degree", **options):
        options = {"type": DocumentType.ACADEMIC, "name": "degree.bin", **options}
        registered = services.register(institution=university, source=io.BytesIO(data), **options)
        with registered.carried:
            return registered.document, registered.carried.read()

    return issue


def asked(outcome: Outcome | None = None, failure: str = "") -> str:
    """Make a question to Guangdong in some state and return its page's path."""
    item = Validation(
        reference=str(Reference.new("gd")),
        issuing_side="gd",
        digest=bytes(range(32)),
        size=2_400_000,
        asked_at=timezone.now(),
        conversation=uuid.uuid4(),
        failure=failure,
    )
    if outcome is not None:
        item.answer_id, item.answered_at, item.outcome = uuid.uuid4(), timezone.now(), outcome
        item.decided_at = datetime(2026, 3, 1, 4, 5, 6, tzinfo=UTC)
        if outcome.discloses:
            item.issuer_code = "pearl-river-bank"
            item.issuer_names = Localised("Pearl River Bank", "珠江銀行", "珠江银行").as_mapping()
            item.document_type, item.issued_on = "bank-statement", date(2026, 1, 5)
            item.expires_on = date(2026, 12, 31)
        if outcome is Outcome.REVOKED:
            item.revoked_on = date(2026, 2, 2)
    item.save()
    return f"/validate/{item.pk}"


def test_asking_is_accessible_and_fits(visit, university, language):
    visitor = visit(language=language)
    page = visitor.open("/validate")
    visitor.check("validate")
    page.locator("main form[enctype] button.govuk-button[type=submit]").click()
    page.wait_for_selector(".govuk-error-summary")
    visitor.check("validate-refused")


@pytest.mark.parametrize("outcome", Outcome)
def test_each_answer_is_accessible_and_fits(visit, university, language, outcome):
    visitor = visit(language=language)
    visitor.open(asked(outcome))
    visitor.check(f"result-{outcome}")


def test_waiting_and_failing_are_accessible_and_fit(visit, university, language):
    visitor = visit(language=language)
    visitor.open(asked())
    visitor.check("result-waiting")
    visitor.open(asked(failure="expired-before-sending"))
    visitor.check("result-failed")


def test_a_page_that_waits_shows_the_answer_by_itself(visit, university):
    visitor = visit()
    path = asked()
    page = visitor.open(path)
    item = Validation.objects.get()
    item.answered_at, item.outcome, item.decided_at = timezone.now(), Outcome.UNKNOWN, timezone.now()
    item.answer_id = uuid.uuid4()
    item.save()
    page.wait_for_selector(".kouan-verdict--unknown")
    assert not visitor.faults


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_file_is_validated_from_the_form(visit, issue, tmp_path, scripts):
    _, carried = issue()
    path = tmp_path / "carried.zip"
    path.write_bytes(carried)
    visitor = visit(scripts=scripts)
    page = visitor.open("/validate")
    page.locator("input[name=file]").set_input_files(path)
    if scripts:
        button = page.locator(".govuk-file-upload-button").first
        button.focus()
        button.hover()
        colours = "each => [getComputedStyle(each).backgroundColor, getComputedStyle(each).color]"
        status = button.locator(".govuk-file-upload-button__status").evaluate(colours)
        page.mouse.move(0, 0)
        page.locator("h1").click()
        assert status == button.locator(".govuk-file-upload-button__status").evaluate(colours)
    page.locator("main form[enctype] button.govuk-button[type=submit]").click()
    page.wait_for_selector(".kouan-verdict--match")
    assert not visitor.faults


def test_the_issuers_pages_are_accessible_and_fit(visit, university, issue, tmp_path, language):
    visitor = visit(language=language)
    visitor.sign_in("issuer")
    services.add_officer(institution=university, user=User.objects.get(username="officer"))
    visitor.open("/documents")
    visitor.check("documents-empty")
    for _ in range(3):
        document, _ = issue(expires_on=date(2099, 12, 31))
    services.revoke(document=document, reason=RevocationReason.SUPERSEDED)
    for number in range(24):
        issue(str(number).encode())
    visitor.open("/documents")
    visitor.check("documents")
    visitor.open(f"/documents/{document.reference}")
    visitor.check("document-revoked")
    page = visitor.open("/documents/register")
    visitor.check("register")
    page.locator("main form[enctype] button.govuk-button[type=submit]").click()
    page.wait_for_selector(".govuk-error-summary")
    visitor.check("register-refused")
    path = tmp_path / "degree.txt"
    path.write_text("a degree")
    page.locator("input[type=file]").set_input_files(path)
    page.locator("select[name=type]").select_option("academic-qualification")
    page.locator("main form[enctype] button.govuk-button[type=submit]").click()
    page.wait_for_selector(".govuk-notification-banner")
    visitor.check("registered")
    with page.expect_download() as download:
        page.locator(".govuk-notification-banner a.govuk-button").click()
    assert download.value.suggested_filename.endswith(".zip")
    page.locator("main form button").click()
    page.wait_for_selector(".govuk-notification-banner", state="detached")
    page.locator("a.govuk-button--warning").click()
    visitor.check("revoke")
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_selector(".govuk-error-summary")
    visitor.check("revoke-refused")


def test_many_rows_and_statistics_are_accessible_and_fit(visit, university):
    """What an institution's officer has beside single documents; in one script, on a narrow screen."""
    visitor = visit(width=PHONE)
    visitor.sign_in("issuer")
    services.add_officer(institution=university, user=User.objects.get(username="officer"))
    page = visitor.open("/documents/bulk")
    visitor.check("bulk")
    submit = "main form[enctype] button.govuk-button[type=submit]"
    page.locator(submit).click()
    page.wait_for_selector(".govuk-error-summary")
    visitor.check("bulk-refused")
    rows = [f"{Reference.new('hk')},kyc-report,{'ab' * 32}" for _ in range(3)]
    text = "\n".join(["reference,type,fingerprint", *rows, "x,y,z"])
    file = {"name": "rows.csv", "mimeType": "text/csv", "buffer": text.encode()}
    page.locator("input[type=file]").set_input_files(file)
    page.locator("main [name=kind][value=register]").check()
    page.locator(submit).click()
    page.wait_for_url("**/documents/bulk/*-*")
    visitor.check("job-waiting")
    with beside_the_browser():
        while work.step():
            pass
    visitor.open(page.url.removeprefix(visitor.portal))
    assert "5" in page.locator("main table").inner_text()  # the line of the bad row
    visitor.check("job-refused")
    visitor.open("/documents/bulk")
    visitor.check("bulk-listed")
    AnsweredQuestion.objects.bulk_create(
        AnsweredQuestion(
            day=queries.today(), side="gd", outcome="match", type="kyc-report", institution=university
        )
        for _ in range(12)
    )
    visitor.open("/documents/statistics")
    visitor.check("statistics")
    page.locator("main select[name=by]").select_option("type")
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**by=type**")
    visitor.check("statistics-by-type")
