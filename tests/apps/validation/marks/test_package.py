from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kouan.apps.validation.marks import Mark
from kouan.apps.validation.marks.package import find_mark, put_mark, safe_name


def packed(data: bytes, mark: Mark, name: str = "report.docx") -> bytes:
    output = io.BytesIO()
    put_mark(io.BytesIO(data), output, mark, name=name)
    return output.getvalue()


@given(st.binary(max_size=5000), st.text(max_size=200))
def test_the_mark_is_found_and_the_original_comes_out_unchanged(data, name):
    mark = Mark.new(side="mo", issuer="um")
    carried = packed(data, mark, name)
    assert find_mark(carried[:2048]) == mark
    with zipfile.ZipFile(io.BytesIO(carried)) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == "kouan.json"
        assert archive.read(archive.infolist()[1]) == data


def test_the_same_input_gives_the_same_bytes():
    mark = Mark.new(side="hk", issuer="hku")
    assert packed(b"data", mark) == packed(b"data", mark)


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda data: b"PK\x03\x04" + data))
def test_other_bytes_carry_no_mark(data):
    assert find_mark(data) is None


@given(st.data())
def test_a_changed_mark_is_no_mark(data):
    carried = bytearray(packed(b"data", Mark.new(side="hk", issuer="hku"))[:300])
    place = data.draw(st.integers(40, 180))
    carried[place] ^= 1 << data.draw(st.integers(0, 7))
    assert find_mark(bytes(carried)) is None


def test_a_zip_file_of_somebody_else_carries_no_mark():
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("kouan.json", "{}" * 500)
    assert find_mark(output.getvalue()) is None


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\files\\報告.pdf", "報告.pdf"),
        ("a\x00b\u202egpj.exe", "a_b_gpj.exe"),
        ("", "document"),
        ("...", "document"),
        ("kouan.json", "document"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
    ],
)
def test_names_are_made_safe(given_name, kept):
    assert safe_name(given_name) == kept
