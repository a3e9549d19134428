"""The pages of trust lists and of signing, with everything on them that can be there at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from apps.signing.conftest import gd, gd_keys, node, publish, stores  # noqa: F401 - fixtures
from apps.signing.made import DAY, authority, edition, entry
from kouan.apps.signing.lists import drafts, telling
from kouan.apps.signing.lists.domain import Status
from kouan.apps.signing.models import ArchivedDocument
from kouan.demo.authorities import issue_signer
from kouan.demo.papers import degree_certificate
from kouan.sections.signers import SignerSettings

PAPER = degree_certificate()


@pytest.fixture
def busy(transactional_db, gd, publish):  # noqa: F811 - the fixtures
    """Lists of both sides, an entry of each state, a draft with changes, and editions that were not taken."""
    publish(
        entry(), entry("peak-organisation", of=authority("Peak", "rsa"), certificate_type="organisation"),
        entry("old-personal", withdrawn_on=date(2026, 1, 1), reason="The authority closed its office"),
    )  # fmt: skip
    at = (datetime.now(UTC) - 100 * DAY).replace(microsecond=0)
    pearl = entry(
        "pearl-seal", of=authority("Pearl", "sm2"), certificate_type="seal", superseded_on=date(2025, 5, 5)
    )
    gd.tell(edition(pearl, at=at, next_update=at + 90 * DAY))
    gd.tell(edition(entry("other"), at=at))
    while telling.tell():
        pass
    drafts.begin(by="chan")
    drafts.put(given=[entry("new-personal")], by="chan")
    drafts.change_status(
        code="peak-organisation",
        status=Status.SUPERSEDED,
        since=datetime.now(UTC),
        reason="A new CA",
        by="chan",
    )


def test_the_public_pages(visit, busy, language):
    visitor = visit(language=language)
    visitor.open("/trust-lists/")
    visitor.check("trust-lists")
    visitor.open("/trust-lists/hk/")
    visitor.check("trust-list-editions")
    visitor.open("/trust-lists/hk/entries/old-personal/")
    visitor.check("trust-list-entry")
    for name, day in (("yes", "2025-06-01"), ("no", "2026-06-01"), ("wrong", "soon")):
        visitor.open(f"/trust-lists/hk/entries/old-personal/?on={day}")
        visitor.check(f"trust-list-day-{name}")


def test_the_officers_pages(visit, busy, language):
    visitor = visit(language=language)
    visitor.sign_in("signing")
    visitor.open("/trust-list/")
    visitor.check("trust-list-draft")
    for name, path in (
        ("new", "new"), ("import", "import"), ("edit", "entries/new-personal/"),
        ("status", "entries/new-personal/withdrawn"),
    ):  # fmt: skip
        visitor.open(f"/trust-list/{path}")
        visitor.check(f"trust-list-{name}")
        if name != "edit":
            visitor.page.locator("main form button[type=submit]").first.click()
            visitor.check(f"trust-list-{name}-errors")
    visitor.open("/trust-list-exchange")
    visitor.check("trust-list-exchange")
    drafts.submit(by="chan")
    visitor.open("/trust-list/")
    visitor.check("trust-list-submitted")
    visitor.page.locator("form[action$='/publish'] button").click()
    visitor.check("trust-list-published")


@pytest.fixture
def office(transactional_db, tmp_path, settings):
    """A signer of this side's, and an archived document whose renewal failed."""
    certificate, key = issue_signer(authority(), "Office of Tests")
    for name, data in (("key", key), ("pem", certificate)):
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_bytes(data)
    signer = SignerSettings("office", "file", key=str(tmp_path / "key"), certificates=tmp_path / "pem")
    settings.NODE = replace(settings.NODE, signers=(signer,))
    now = datetime.now(UTC)
    ArchivedDocument.objects.create(
        file_name="licence.pdf", content=b"%PDF", sha256=bytes(32), renew_at=now, kept_at=now,
        problem="The time-stamping authority gave no answer",
    )  # fmt: skip


def test_the_pages_of_signing(visit, office, language):
    visitor = visit(language=language)
    visitor.sign_in("signatory")
    for choice, name in (("office", "signed"), ("wallet:", "waits")):
        visitor.open("/office-sign/")
        visitor.page.set_input_files("input[type=file]", {"name": "a.pdf", "mimeType": "", "buffer": PAPER})
        visitor.page.select_option("select[name=signer]", choice)
        visitor.page.locator("main form button[type=submit]").first.click()
        visitor.check(f"sign-{name}")
    visitor.open("/office-sign/")
    visitor.check("sign")
    visitor.page.locator("main form button[type=submit]").first.click()
    visitor.check("sign-errors")
    visitor.open("/office-sign/archive/")
    visitor.check("sign-archive")
