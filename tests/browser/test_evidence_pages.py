"""The pages about evidence, with everything on them that can be there at once."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore

from apps.dataflow.pages.conftest import person_signed_in, the_person
from apps.evidence.conftest import IDENTITY, NUMBER, gd, node, put, stores, today  # noqa: F401 - fixtures
from browser.keyboard import Keyboard
from kouan.apps.evidence import records, taking
from kouan.apps.evidence.domain import Change
from kouan.apps.evidence.models import EvidenceRecord
from kouan.apps.evidence.queries import holder_of
from kouan.core.credentials import broker

OTHERS = {
    "hk.tax-residency": {
        "name": "CHAN Siu Ming", "tax_year": "2025/26", "tax_residence": "Hong Kong, in the meaning of the "
        "arrangement for the avoidance of double taxation",
    },
    "hk.vehicle": {
        "registration_mark": "KN 1997", "make": "Star Motors Ferry 2", "owner": "CHAN Siu Ming",
        "licensed_until": "2027-03-31",
    },
    "hk.property": {
        "reference": "A1234567", "property": "Flat A, 12/F, Harbour Court, 1 Ferry Street, Kowloon",
        "owner": "CHAN Siu Ming", "charges": "None on record",
    },
    "hk.qualification": {
        "name": "CHAN Siu Ming", "award": "Bachelor of Science", "institution": "Harbour University",
        "awarded_on": "2007-11-15", "level": "5",
    },
}  # fmt: skip


@pytest.fixture
def busy(transactional_db, gd, put, today):  # noqa: F811 - the fixtures
    """A person with evidence of several departments, shown and taken out; records in every state."""
    gd.announce()
    session = person_signed_in()
    holder = holder_of(the_person(session))
    main = put(reference="ROP-0001")
    for code, claims in OTHERS.items():
        put(type=code, claims=claims, reference=f"REF-{code[3:]}", valid_until=today + timedelta(days=20))
    shown = EvidenceRecord.objects.get(type="hk.vehicle")
    broker().present(holder, str(main.key), claims=["name", "birthdate"], to="gd", matter=str(uuid.uuid4()))
    broker().present(holder, str(shown.key), claims=["make"], to="gd", matter="gd-vehicle-permit")
    copy = taking.take_out(holder=holder, key=main.key)
    records.change(record=shown, change=Change.REVOKED, by="vehicles", reason="Sold.", departments=None)
    other = put(reference="ROP-0002", document_number="B123456(6)", claims=IDENTITY | {"name": "LEE Ka Yan"})
    why = "Under inquiry."
    records.change(record=other, change=Change.SUSPENDED, by="officer", reason=why, departments=None)
    return session, main, copy


def as_resident(visitor, session):
    store = SessionStore()
    store["identity_home"] = str(session.key)
    store.save()
    name = settings.SESSION_COOKIE_NAME
    visitor.page.context.add_cookies([{"name": name, "value": store.session_key, "url": visitor.portal}])


def test_the_persons_pages(visit, busy, language):
    session, main, _copy = busy
    visitor = visit(language=language)
    as_resident(visitor, session)
    visitor.open("/my-evidence/")
    visitor.check("evidence-mine")
    visitor.open(f"/my-evidence/{main.key}/")
    visitor.check("evidence-piece")
    visitor.page.locator("button[value=code]").click()
    visitor.check("evidence-taken")
    visitor.open("/my-evidence/shown/")
    visitor.check("evidence-shown")
    visitor.open(f"/my-evidence/{main.key}/")
    visitor.page.locator("summary").click()
    visitor.page.locator("#jwk").fill("no key")
    visitor.page.locator("button[value=file]").click()
    visitor.check("evidence-bad-key")


def test_the_public_pages(visit, busy, language):
    _session, _main, copy = busy
    visitor = visit(language=language)
    visitor.open("/evidence/")
    visitor.check("evidence-accepted")
    visitor.open("/check-credential")
    visitor.check("evidence-check")
    visitor.page.locator("main form button[type=submit]").click()
    visitor.check("evidence-check-nothing")
    for name, text in (("good", copy), ("forged", copy.replace("~", "~W10~", 1))):
        visitor.open("/check-credential")
        visitor.page.locator("#text").fill(text)
        visitor.page.locator("main form button[type=submit]").click()
        visitor.check(f"evidence-checked-{name}")


def test_the_officers_pages(visit, busy, language):
    visitor = visit(language=language)
    visitor.sign_in("evidence")
    visitor.open("/")
    visitor.check("evidence-home")
    visitor.open("/evidence-records/")
    visitor.check("evidence-records")
    row = EvidenceRecord.objects.get(reference="ROP-0002")
    for name, path in (
        ("record", f"{row.key}/"), ("change", f"{row.key}/revoke"), ("new", "new/hk.identity"),
        ("file", "file"),
    ):  # fmt: skip
        visitor.open(f"/evidence-records/{path}")
        visitor.check(f"evidence-{name}")
    visitor.open("/evidence-records/new/hk.identity")
    visitor.page.locator("main form button[type=submit]").click()
    visitor.check("evidence-new-errors")


def test_a_copy_without_scripts(visit, busy):
    session, main, _copy = busy
    visitor = visit(scripts=False)
    as_resident(visitor, session)
    visitor.open(f"/my-evidence/{main.key}/")
    with visitor.page.expect_download() as got:
        visitor.page.locator("button[value=file]").click()
    assert got.value.suggested_filename.endswith(".sd-jwt")
    assert NUMBER not in got.value.path().read_text()


def test_a_copy_is_taken_out_and_checked_by_keyboard_alone(visit, busy):
    session, main, _copy = busy
    visitor = visit(width=1280)
    as_resident(visitor, session)
    keys = Keyboard(visitor.open("/my-evidence/"))
    keys.enter(f"main a[href='/my-evidence/{main.key}/']", f"**/my-evidence/{main.key}/")
    keys.to("button[value=code]")
    keys.press("Enter")
    visitor.page.wait_for_selector("main textarea, main pre, main code")
    text = visitor.page.locator("main").inner_text()
    visitor.open("/check-credential")
    found = re.search(r"ey[\w.~-]{200,}", text)
    keys.fill("#text", found[0])
    keys.to("main form button[type=submit]")
    keys.press("Enter")
    visitor.page.wait_for_selector("h1:has-text('genuine and counts')")
