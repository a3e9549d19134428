"""The public pages of the programme on paper: the table behind each picture is there, and nothing is cut."""

from __future__ import annotations

import io
import os
from importlib import resources
from pathlib import Path

from pypdf import PdfReader

from kouan.apps.programme.look import history
from kouan.apps.programme.models import Meeting
from kouan.apps.programme.records import importing

A4 = 673
"""What a page of A4 has between its margins, in CSS pixels."""
CUT = """() => [...document.querySelectorAll('main, main *')].filter((each) => {
    const box = each.getBoundingClientRect();
    const hides = ['hidden', 'clip', 'auto', 'scroll'].includes(getComputedStyle(each).overflowX);
    const cut = hides && each.scrollWidth > each.clientWidth + 1;
    return box.width > 1 && box.height > 1 && (cut || box.right > innerWidth + 1 || box.left < -1);
}).map((each) => each.outerHTML.slice(0, 120))"""


def test_the_pictures_print_with_the_table_behind_them_and_nothing_cut(visit, transactional_db):
    record = resources.files("kouan.demo") / "records" / "plenaries.txt"
    importing.import_file(name="plenaries.txt", data=record.read_bytes(), by="tests")
    row = Meeting.objects.get(group="informatisation", number=8)
    visitor = visit(width=A4)
    page = visitor.page
    page.emulate_media(media="print")
    said = {}
    for path in ("", "areas/", "people/", f"meetings/{row.key}"):
        visitor.open(f"/programme/{path}")
        assert page.evaluate(CUT) == [], path
        data = page.pdf(prefer_css_page_size=True)
        if shots := os.environ.get("KOUAN_SHOTS"):
            Path(shots).mkdir(parents=True, exist_ok=True)
            Path(shots, f"print-{path.partition('/')[0] or 'history'}.pdf").write_bytes(data)
        paper = PdfReader(io.BytesIO(data))
        said[path] = " ".join(" ".join(each.extract_text() for each in paper.pages).split())
        assert "/programme/" not in said[path]  # a link's address within the node says nothing on paper
        assert "Take the data along" not in said[path]
    for held in history.meetings("informatisation"):
        assert f"Meeting {held.number}" in said[""]
    for theme in ("RFID and the internet of things", "Customs clearance", "Quality living area"):
        assert said["areas/"].count(theme) == 2, theme  # at its line, and in the table behind
    assert "2013 Adoption of Internet of Things to facilitate customs clearance" in said["areas/"]
    assert "Tourism Commission 16 1" in said["people/"]
    meeting = said[f"meetings/{row.key}"]
    assert "Building of Intelligent City Clusters in the Greater Pearl River Delta" in meeting
    assert (
        "was held in Hong Kong on 26 July 2013" in meeting
    )  # the sentences behind, which nobody can open on paper
