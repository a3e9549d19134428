"""The pages about flows of data, with everything on them that can be there at once."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from apps.dataflow.pages.conftest import (  # noqa: F401 - fixtures
    HARBOUR,
    PEARL,
    arrived,
    asked,
    doings,
    gd,
    given,
    node,
    person_signed_in,
    proposed,
    sent,
    signed,
    signed_there,
    stores,
    terms_with,
)
from apps.dataflow.pages.test_contracts import PDF, answers
from browser.conftest import PHONE, beside_the_browser
from kouan.apps.dataflow import clearing, consents, contracts, errors, filings, records
from kouan.apps.dataflow.models import Contract, DataConsent, Decision, ErasureRequest, Filing
from kouan.apps.dataflow.payloads import RecordRead, RecordsErased
from kouan.core.exchange import sealing, witness
from kouan.core.exchange.models import OutboxMessage


def read_there(arrived, record, reader, purpose):  # noqa: F811 - the fixture's value
    said = RecordRead(
        use=uuid.uuid4().bytes,
        record=record.message_id.bytes,
        reader=reader,
        purpose=purpose,
        at=int(timezone.now().timestamp()),
    )
    records.read_there(message=arrived(said))


@pytest.fixture
def busy(transactional_db, gd, doings):  # noqa: F811 - the fixtures
    """Contracts in every state, consents, crossings, readings, and a denial."""
    with beside_the_browser():
        return _busy(gd, doings)


def _busy(gd, doings):  # noqa: F811 - the fixtures' values
    signed, proposed, given, sent = doings.signed, doings.proposed, doings.given, doings.sent  # noqa: F811 - as above
    session = person_signed_in()
    main = signed()
    filings.filed(digest=bytes(main.digest), filed_on=contracts.today(), reference="DPO-2026-0017")
    Filing.objects.filter(contract=main, side="gd").update(due_on=contracts.today() + timedelta(days=2))
    consent = given(main, session=session)
    first = sent(main, consent)
    second = sent(main, consent, purpose="dpv:ServiceProvision", person__account="012-345678-901")
    while (batch := sealing.seal_batch("gd")) is not None:
        gd.answer(batch)
    witness.publish()
    gd.cosign()
    OutboxMessage.objects.filter(ledger_index__isnull=False).update(state="handled")
    read_there(doings.arrived, first, "Retail loans department", "dpv:CreditChecking")
    read_there(doings.arrived, first, "Risk control system", "dpv:CreditChecking")
    said = RecordsErased(
        records=[second.message_id.bytes], because="asked", at=int(timezone.now().timestamp())
    )
    clearing.erased_there(message=doings.arrived(said))
    with pytest.raises(errors.ScopeDrift):
        sent(main, consent, person__health="well")
    other = PEARL | {
        "code": "pearl-insurer",
        "name": {
            "en": "Pearl River Insurance of the Greater Bay Area",
            "zh_hant": "珠江大灣區保險股份有限公司",
            "zh_hans": "珠江大湾区保险股份有限公司",
        },
        "place": "gd:zhuhai",
    }
    ending = signed(importer=other, expires=(contracts.today() + timedelta(days=20)).isoformat())
    withdrawn = given(ending, session=session, elements=("person.name",))
    sent(ending, withdrawn, person__name="LEE Ka Yan")
    consents.withdraw(key=withdrawn.key, person=withdrawn.person)
    ended = signed(exporter=PEARL, importer=HARBOUR)
    contracts.end(digest=bytes(ended.digest), reason="The service has closed.")
    proposed(exporter=PEARL, importer=HARBOUR | {"code": "harbour-fund"})
    contracts.draft(terms_with(importer=other | {"code": "pearl-draft"}))
    return session, main, consent


def come_in(visitor, session):
    """Sign a resident in who has signed in at home."""
    store = SessionStore()
    store["identity_home"] = str(session.key)
    store.save()
    visitor.page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": store.session_key, "url": visitor.portal}]
    )


def path_of(row, action=""):
    return f"/data-contracts/{bytes(row.digest).hex()}/{action}"


def test_the_officers_pages(visit, busy, language):
    _session, main, _consent = busy
    visitor = visit(language=language)
    visitor.sign_in("data")
    visitor.open("/")
    visitor.check("dataflow-home")
    visitor.open("/data-contracts/")
    visitor.check("dataflow-contracts")
    waits = Contract.objects.get(state="proposed")
    for row, actions in (
        (main, ("", "ask", "file", "pack", "end")),
        (waits, ("", "sign", "refuse")),
        (Contract.objects.get(state="ended"), ("", "erase")),
    ):
        for action in actions:
            if action == "file":
                Filing.objects.filter(contract=row, side="hk").update(filed_on=None)
            visitor.open(path_of(row, action))
            visitor.check(f"dataflow-contract-{row.state}-{action or 'page'}")
    second = terms_with(
        contract=str(main.contract), version=2, replaces=bytes(main.digest).hex(), retention_days=90,
        elements=["person.contact", "person.credit", "person.name"],
    )  # fmt: skip
    row = contracts.draft(second)
    visitor.open(path_of(row))
    visitor.check("dataflow-contract-amended")


def test_the_guided_form(visit, transactional_db, gd, language):  # noqa: F811 - the fixture
    visitor = visit(language=language)
    visitor.sign_in("data")
    visitor.open("/data-contracts/")
    visitor.check("dataflow-contracts-none")
    page = visitor.page
    page.locator("main form button").first.click()
    for step, values in answers().items():
        page.wait_for_url(f"**/draft/{step}")
        if step == "parties":
            page.locator("main form button[type=submit]").last.click()
            page.wait_for_selector(".govuk-error-summary")
            visitor.check("dataflow-draft-errors")
        else:
            visitor.check(f"dataflow-draft-{step}")
        for name, value in values.items():
            field = page.locator(f"main [name={name}]")
            if name == "file":
                field.set_input_files({"name": "a.pdf", "mimeType": "application/pdf", "buffer": PDF})
            elif isinstance(value, list):
                for each in value:
                    page.locator(f"main [name={name}][value='{each}']").check()
            elif field.first.get_attribute("type") == "radio":
                page.locator(f"main [name={name}][value='{value}']").check()
            elif field.evaluate("field => field.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)
        page.locator("main form button[type=submit]").last.click()
    page.wait_for_url("**/draft/check")
    visitor.check("dataflow-draft-check")
    page.locator("main form button").last.click()
    page.wait_for_url(lambda url: "draft" not in url)
    visitor.check("dataflow-draft-kept")
    assert Contract.objects.get().state == "draft"


def test_my_data(visit, busy, asked, language):  # noqa: F811 - the fixture
    session, main, consent = busy
    visitor = visit(language=language)
    come_in(visitor, session)
    for path, name in (
        ("", "overview"),
        (f"consents/{consent.key}/", "consent"),
        (f"consents/{consent.key}/withdraw", "withdraw"),
        ("readers/", "readers"),
        ("erasure", "erasure"),
        (f"requests/{asked(main).key}", "request"),
    ):
        visitor.open(f"/my-data/{path}")
        visitor.check(f"dataflow-mine-{name}")
    visitor.page.locator("[name=answer][value=agree]").click()
    visitor.page.wait_for_selector(".govuk-error-summary")
    visitor.check("dataflow-mine-request-nothing")
    visitor.page.locator("[name=elements][value='person.name']").check()
    visitor.page.locator("[name=answer][value=agree]").click()
    visitor.page.wait_for_url("**/my-data/consents/*/")
    visitor.check("dataflow-mine-agreed")


def test_the_auditors_pages(visit, busy, language):
    visitor = visit(language=language)
    visitor.sign_in("auditor")
    visitor.open("/data-flows/")
    visitor.check("dataflow-flows")
    visitor.open("/data-flows/denied/")
    visitor.check("dataflow-denied")
    visitor.open(f"/data-flows/decisions/{Decision.objects.get(allowed=False).pk}/")
    visitor.page.locator("main form button").click()
    visitor.page.wait_for_selector(".kouan-verdict")
    visitor.check("dataflow-decision")
    visitor.open("/data-flows/sample/")
    visitor.page.locator("main form button").click()
    visitor.page.wait_for_selector(".flow-sampled")
    visitor.check("dataflow-sample")


def test_erasures_are_asked_for_and_answered(visit, transactional_db, doings, gd):  # noqa: F811 - fixtures
    """A resident asks; an officer answers what came. In one script, on a narrow screen."""
    session = person_signed_in()
    with beside_the_browser():
        contract = doings.signed()
        consent = doings.given(contract, session=session)
        doings.sent(contract, consent)
    visitor = visit(width=PHONE)
    come_in(visitor, session)
    page = visitor.open(f"/my-data/consents/{consent.key}/erase")
    visitor.check("dataflow-ask-erasure")
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_url("**/my-data/erasure")
    visitor.check("dataflow-erasure-asked")
    visitor.page.context.clear_cookies()
    visitor.sign_in("data")
    visitor.open("/data-contracts/erasures/")
    visitor.check("dataflow-erasures-none")
    DataConsent.objects.update(person="")  # as if it had come from the other side
    visitor.open("/data-contracts/erasures/")
    visitor.check("dataflow-erasures")
    visitor.open(f"/data-contracts/erasures/{ErasureRequest.objects.get().key}/")
    visitor.check("dataflow-erasure-answer")
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_selector(".govuk-error-summary")
    visitor.check("dataflow-erasure-answer-refused")
