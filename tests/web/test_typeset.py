"""What papers are set with: whatever script a text is in, it stands on the page and comes out of it again."""

from __future__ import annotations

import io
import re

import pypdfium2
import pytest

from kouan.web import typeset

NAME = "區先生，深水埗 𨋢"
"""With characters of Hong Kong's own supplementary set, one of which needs four bytes."""


def made(language, *values, foot=""):
    typeset.make_ready()
    output = io.BytesIO()
    small = typeset.style("small", language, 9)

    def bottom(canvas, _document):
        typeset.foot(canvas, foot, font=typeset.font_for(foot, language))

    document = typeset.document(output, title="T", language=language, compressed=False)
    document.build([typeset.text(value, small) for value in values], onFirstPage=bottom)
    return output.getvalue()


def read(data):
    with pypdfium2.PdfDocument(data) as file:
        return file[0].get_textpage().get_text_range()


@pytest.mark.parametrize("language", ["en", "zh-hant", "zh-hans"])
@pytest.mark.parametrize("value", [NAME, "刘洋，罗湖", "陳大文 Chan & <Co>"])
def test_what_is_written_can_be_read(language, value):
    assert read(made(language, value, foot=value)).count(value) == 2


def test_quotation_marks_are_no_reason_for_another_font():
    data = made("en", "The People’s law – “article 74”", "Law 法 of ‘both’", foot="“Validate” · 1")
    assert (b"UniGB" in data, b"UniCNS" in data) == (False, True)
    assert read(data).count("’") == 2


def test_each_script_has_the_codes_of_its_own_collection():
    data = made("en", "深圳灣", "罗湖区")
    found = {}
    for each in re.split(rb"endobj", data):
        if kind := re.search(rb"/Encoding /(Uni\w+-UTF16-H)", each):
            found[kind[1]] = re.search(rb"/BaseFont /([\w-]+)", each)[1]
    assert found == {b"UniCNS-UTF16-H": b"MSung-Light", b"UniGB-UTF16-H": b"STSong-Light"}


def test_the_same_text_makes_the_same_file():
    assert made("zh-hant", NAME) == made("zh-hant", NAME)


def test_a_row_may_be_longer_than_a_page():
    typeset.make_ready()
    output = io.BytesIO()
    table = typeset.table([("What", ["多" * 4000])], typeset.style("small", "zh-hant", 9))
    typeset.document(output, title="T").build([table])
    with pypdfium2.PdfDocument(output.getvalue()) as file:
        assert len(file) > 1
