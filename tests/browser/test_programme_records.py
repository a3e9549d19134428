"""The officers' pages about records, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from browser.conftest import beside_the_browser
from kouan.apps.programme.domain import Act, State
from kouan.apps.programme.models import Claim
from kouan.apps.programme.records import deciding, importing

RECORDS = Path(__file__).parents[1] / "apps/programme/records"
FILES = ("seen/smart-city.txt", "unseen/h-faults.txt", "unseen/q-video.txt", "unseen/r-video-traditional.txt")


@pytest.fixture
def kept(transactional_db):
    """Return a way to keep records that disagree, one that repeats another, and a value in each state."""

    def make():
        with beside_the_browser():
            for name in FILES:
                importing.import_file(name=Path(name).name, data=(RECORDS / name).read_bytes(), by="tests")
        claims = list(Claim.objects.filter(record__name="smart-city.txt").order_by("id")[:3])
        for each, act in zip(claims, (Act.CONFIRM, Act.REJECT, Act.CONFIRM), strict=True):
            why = "Compared with the paper."
            deciding.judge(claim=each.key, act=act, seen=State.PROPOSED, by="lee", reason=why)
        return claims

    return make


def test_a_record_stands_beside_its_values(visit, kept, language):
    visitor = visit(language=language)
    visitor.sign_in("programme")
    claims = kept()
    record = claims[0].record
    repeated = Claim.objects.filter(record__name="r-video-traditional.txt").first()
    disputed = Claim.objects.filter(field="date", meeting__number=23).first()
    for name, path in (
        ("records", "/programme/records/"),
        ("record", f"/programme/records/{record.key}/"),
        ("record-repeated", f"/programme/records/{repeated.record.key}/"),
        ("value", f"/programme/records/{record.key}/values/{claims[0].key}"),
        ("value-disputed", f"/programme/records/{disputed.record.key}/values/{disputed.key}"),
    ):
        visitor.open(path)
        visitor.check(f"programme-{name}")
    visitor.page.locator("main form button[type=submit]").click()
    visitor.page.wait_for_selector(".govuk-error-summary")
    visitor.check("programme-value-errors")


def test_an_officer_reads_a_record_in_and_decides_without_scripts(visit):
    visitor = visit(width=320, scripts=False)
    visitor.sign_in("programme")
    page = visitor.open("/programme/records/")
    page.locator("input[type=file]").set_input_files(RECORDS / "seen/twentieth.txt")
    page.locator("main form button[type=submit]").click()
    page.wait_for_url("**/programme/records/*/")
    page.locator(".prog-values dd a").first.click()
    page.locator("input[value=confirm]").check()
    page.locator("main form button[type=submit]").click()
    page.wait_for_url("**/programme/records/*/#v*")
    assert Claim.objects.filter(state="confirmed").count() == 1
