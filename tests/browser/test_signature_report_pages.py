"""The report on signatures, in the states in which a person meets it, and where it is no more."""

from __future__ import annotations

import io
import tempfile
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

import signed_papers as papers
from browser.conftest import beside_the_browser
from kouan.apps.signing.lists import domain
from kouan.apps.signing.validating import services
from kouan.apps.signing.validating.algorithms import Checker
from kouan.apps.signing.validating.engine import Engine
from kouan.apps.signing.validating.pipeline import validated
from kouan.apps.signing.validating.recognising import with_recognition
from kouan.apps.signing.validating.trust import Trust
from kouan.core.text import Localised

NAME = Localised("Test", "測試", "测试")


def _report(data: bytes, document: bytes | None = None) -> uuid.UUID:
    """Have a file judged by a list that names the tests' authority, and keep the report."""
    now = timezone.now()
    lists = [
        papers.crl(each, at=now - papers.DAY, until=now + papers.DAY)
        for each in (papers.root(), papers.authority())
    ]
    known = papers.authority().der
    trust = Trust(roots=(papers.root().der,), certificates=(known,), crls=tuple(lists))
    entry = domain.Entry(
        code="entry", name=NAME, provider=NAME, certificate_type=domain.CertificateType.PERSONAL,
        root=papers.root().der, issuing_ca=known, recognised_from=papers.SINCE, recognised_until=papers.UNTIL,
        history=(domain.StatusChange(domain.Status.RECOGNISED, papers.SINCE),),
    )  # fmt: skip
    edition = domain.Edition("hk", 3, now, now + timedelta(days=30), (entry,), digest=bytes(32))
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        beside = None if document is None else io.BytesIO(document)
        found = validated(file, Engine(trust, Checker()), beside)
        return services.keep(with_recognition(found, (edition,), now=now), file).key


@pytest.fixture
def reports(transactional_db: None) -> dict[str, str]:
    """Return the paths of reports, by what is in them."""
    with beside_the_browser():
        first = papers.signed_pdf(stamped_at=timezone.now() - timedelta(hours=2))
        both = papers.signed_pdf(
            papers.holder(organisation="Harbour Trading Ltd"),
            data=first,
            field="Second",
            box=(50, 200, 250, 270),
        )
        detached = papers.signed_cms(detached=True)
        made = {
            "good": first,
            "two": both,
            "changed": papers.signed_cms().replace(b"A permit", b"A pardon"),
            "apart": detached,
        }
        found = {name: f"/signatures/{_report(data)}" for name, data in made.items()}
    within = found["two"].rpartition("/")[2]
    return {**found, "apart": f"{found['apart']}?document={within}"}


def test_the_report_is_accessible_fits_and_leads_on(visit, reports, language):
    visitor = visit(language=language)
    for name, sign in (("good", "match"), ("two", "unknown"), ("changed", "mismatch"), ("apart", "unknown")):
        page = visitor.open(reports[name])
        assert page.locator(f".kouan-verdict--{sign}").count() == 1, name
        for details in page.locator("details").all():
            details.locator("summary").click()
        visitor.check(f"signatures-{name}")
    assert page.locator(f"a[href='{reports['two']}']").count() == 1
    page = visitor.open(reports["two"])
    assert page.locator(".kouan-signed-page__frames rect").count() == 2
    for link in page.locator("a[download]").all():
        answer = page.request.get(visitor.portal + (link.get_attribute("href") or ""))
        assert answer.status == 200
    visitor.open(f"/signatures/{uuid.uuid4()}")
    visitor.check("signatures-gone")
