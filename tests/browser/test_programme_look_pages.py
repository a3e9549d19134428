"""The public pages of the programme in a real browser, with the demonstration's record."""

from __future__ import annotations

from importlib import resources

from kouan.apps.programme.models import Meeting
from kouan.apps.programme.records import importing


def test_the_pages_to_look_at(visit, transactional_db, language):
    visitor = visit(language=language)
    visitor.open("/programme/")
    visitor.check("look-empty")
    record = resources.files("kouan.demo") / "records" / "plenaries.txt"
    importing.import_file(name="plenaries.txt", data=record.read_bytes(), by="tests")
    row = Meeting.objects.get(group="informatisation", number=8)
    for name, path in {
        "look-history": "/programme/",
        "look-areas": "/programme/areas/",
        "look-people": "/programme/people/",
        "look-meeting": f"/programme/meetings/{row.key}",
    }.items():
        visitor.open(path)
        visitor.check(name)
    visitor.page.locator("summary").first.click()
    visitor.check("look-source")
