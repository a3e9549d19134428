"""What a file is shows in its bytes; hostile and unreadable ones end as errors that name them."""

from __future__ import annotations

import io
import time
import zlib

import pytest
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from apps.programme.conftest import RECORDS
from kouan.apps.programme import errors
from kouan.apps.programme.records.reading import dictionary, extract, files, reader
from kouan.apps.programme.records.reading.text import fold
from pace import patience

ENGLISH = (RECORDS / "unseen/n-at-the-meeting.txt").read_text(encoding="utf-8")


def pdf_of(text, *, width=88):
    out = io.BytesIO()
    canvas = Canvas(out)
    y = 800
    for paragraph in text.split("\n"):
        words, line = paragraph.split(" "), ""
        for word in [*words, None]:
            if word is None or len(line) + len(word) > width:
                canvas.drawString(40, y, line.strip())
                y -= 14
                line = ""
            if word is not None:
                line += word + " "
    canvas.save()
    return out.getvalue()


def test_a_pdf_reads_as_its_text_does():
    taken = files.take("release.pdf", pdf_of(ENGLISH))
    assert taken.media_type == "application/pdf"
    reading = reader.read(taken.text, dictionary.load())
    assert [(each.group, each.number) for each in reading.meetings] == [("informatisation", 17)]
    meeting = reading.meetings[0]
    assert [each.value["text"] for each in meeting.of("area")] == [
        "smart city",
        "e-commerce",
        "telecommunications",
    ]


def test_a_chinese_pdf_is_read():
    pdfmetrics.registerFont(UnicodeCIDFont("MSung-Light"))
    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.setFont("MSung-Light", 11)
    canvas.drawString(40, 800, "粵港信息化合作專責小組第十九次會議於2024年10月9日在廣州舉行。")
    canvas.save()
    reading = reader.read(files.take("a.pdf", out.getvalue()).text, dictionary.load())
    assert [(each.number, each.of("date")[0].value["iso"]) for each in reading.meetings] == [
        (19, "2024-10-09")
    ]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x01", errors.UnknownRecordType),
        (b"PK\x03\x04\x00\x00word/document.xml", errors.UnknownRecordType),
        (b"\xff\xfe\x00\xd8", errors.UnknownRecordType),
        (b"%PDF-1.7\n%broken", errors.UnreadableRecord),
        (b"%PDF-1.7\n" + b"1 0 obj<<" * 4000, errors.UnreadableRecord),
        (b"", errors.EmptyRecord),
        (b"   \n\n -- 12 34 --\n", errors.EmptyRecord),
        (b"<html><body><img src=x></body></html>", errors.EmptyRecord),
        (b"word " * 100_000, errors.RecordTooLong),
        (b"a" * (files.MOST_BYTES + 1), errors.RecordTooLarge),
    ],
)
def test_what_is_no_record_is_refused_by_name(data, error):
    with pytest.raises(error) as caught:
        files.take("x" * 300 + "/record.bin", data)
    assert "record.bin" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_pdf_that_unpacks_to_gigabytes_ends_as_unreadable():
    stream = zlib.compress(b"0" * (64 << 20), 9)
    for _round in range(2):
        stream = zlib.compress(stream, 9)
    body = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<<>>>>endobj\n"
        b"4 0 obj<</Filter[/FlateDecode/FlateDecode/FlateDecode]/Length "
        + str(len(stream)).encode() + b">>stream\n" + stream
        + b"\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
    )  # fmt: skip
    with pytest.raises((errors.UnreadableRecord, errors.EmptyRecord)):
        files.take("bomb.pdf", body)


def test_deep_and_unclosed_pages_are_read_in_bounds():
    page = b"<div>" * 20_000 + b"<p>The 19th meeting of EGCI was held in Guangzhou on 9 October 2024.</p>"
    assert "19th meeting" in files.take("deep.html", page).text


@pytest.mark.parametrize("encoding", ["big5hkscs", "gb18030", "utf-16"])
def test_older_encodings_are_recognised(encoding):
    text = "粵港信息化合作專責小組第十九次會議在廣州舉行，雙方同意加強合作。"
    assert files.take("old.txt", text.encode(encoding)).text == text


def test_navigation_is_no_part_of_a_page():
    text = files.take("d-page.html", (RECORDS / "unseen/d-page.html").read_bytes()).text
    assert "Paris" not in text
    assert "Beijing" not in text
    assert text.startswith("EGSCC meets for the third time")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 50_000, "A" * 60_000, "Aa " * 30_000, "and " * 30_000, "a, " * 40_000, "第" * 40_000,
        '"' * 30_000, "Mr A B, " * 9_000,
        "粤港合作" * 20_000, "representatives from the Department of " * 3_000, "1 January " * 9_000,
        "the 2nd meeting of " * 6_000, "《" * 30_000,
        "in five areas, including " * 4_000, "agreement signed between the " * 4_000,
        "Hong Kong/Guangdong " * 6_000, "廣東省" * 30_000 + "局",
        "The 19th meeting of EGCI was held in Guangzhou on 9 October 2024. " * 1_500,
    ],
    ids=range(18),
)  # fmt: skip
def test_no_text_makes_the_rules_run_away(text):
    began = time.process_time()
    reader.read(files.clean(text).text, dictionary.load())
    assert time.process_time() - began < patience(12)


def test_the_child_holds_to_its_limits():
    assert extract.html(b"<nav><p>away</p></nav><main><p>stays<br>here</p></main>") == "stays\n\nhere"


def test_a_page_in_the_character_set_of_old_pages_reads_the_same() -> None:
    page = (RECORDS / "unseen/p-page.html").read_text(encoding="utf-8")
    old = page.replace("utf-8", "gb2312").encode("gb18030")
    assert files.take("p-page.html", old).text == files.take("p-page.html", page.encode()).text


def test_a_tables_rows_are_lines_and_a_grid_of_the_page_is_none():
    page = (
        "<table><tr><th>Date</th><td>9 October 2024</td></tr>"
        "<tr><td>18th</td><td>2023</td><td>Hong Kong</td></tr>"
        "<tr><td><p>First block.</p><p>Second block.</p></td><td>Beside it.</td></tr></table>"
        "<table><tr><td>Outside <table><tr><th>Place:</th><td>Foshan</td></tr></table> and after</td></tr>"
        "</table>"
        "<table><tr><td>never closed<td>cells<tr><td>of old pages"
    )
    assert extract.html(page.encode()).split("\n\n") == [
        "Date: 9 October 2024", "18th | 2023 | Hong Kong", "First block.", "Second block.", "Beside it.",
        "Outside", "Place: Foshan", "and after", "never closed | cells", "of old pages",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "page",
    [
        b"<table>" * 50_000,
        b"<table><tr><td>" * 30_000 + b"deep",
        b"<tr>" * 100_000 + b"<p>text of it</p>",
        b"<td>x" * 60_000,
        b"<" * 300_000,
        b"<!--" * 30_000,
        b"&#x41;" * 70_000 + b"<p>",
        b"<p " + b"a=1 " * 200_000 + b">word</p>",
        b"<p>" + b"&lt;" * 500_000,
        b"<p>\xff\xfe\xfd" + "粵港".encode() * 1000,
    ],
    ids=range(10),
)
def test_a_page_made_to_harm_is_read_or_refused_in_bounds(page):
    try:
        taken = files.take("page.html", b"<html><body>" + page)
    except (errors.EmptyRecord, errors.RecordTooLong, errors.UnreadableRecord, errors.UnknownRecordType):
        return
    assert len(taken.text) <= extract.CHARACTERS


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"a" * (50 << 20), errors.RecordTooLarge),
        (b"%PDF-1.7\n" + bytes(5000), errors.UnreadableRecord),
        (b"\x7fELF\x02\x01\x01" + bytes(500), errors.UnknownRecordType),
        (bytes(range(256)) * 50, errors.UnknownRecordType),
        (
            "粵港信息化".encode("big5hkscs") + "粤港合作".encode("gb18030") + b"\xff\xff",
            errors.UnknownRecordType,
        ),
    ],
    ids=["50 MB", "broken PDF", "program", "every byte", "mixed encodings"],
)
def test_each_hostile_file_has_its_error(data, error):
    with pytest.raises(error):
        files.take("record", data)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("粤 港 信 息 化 合 作 专 责 小 组 第 2 次 会 议", "粤港信息化合作专责小组第2次会议"),
        ("The co- chairs met , and agreed .", "The co-chairs met, and agreed."),
        ("甲 乙 two words 丙", "甲 乙 two words 丙"),
        ("short- and long-term", "short- and long-term"),
    ],
)
def test_spaces_that_a_scanner_put_are_taken_out(raw, clean):
    assert files.clean(raw).text == clean


@pytest.mark.parametrize(
    ("raw", "folded"),
    [
        ("l9th 0ctober 2O24", "19th October 2024"),
        ("lnformatisation", "Informatisation"),
        ("all 10 lines", "all 10 lines"),
    ],
)
def test_letters_that_a_scanner_takes_for_one_another_are_matched_as_meant(raw, folded):
    assert fold(raw) == folded
