from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kouan.apps.validation.bulk.errors import NoRows, NotUTF8Row, RepeatedColumn
from kouan.apps.validation.bulk.reading import MAX_ROW, names, rows

FIELDS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0")), min_size=2, max_size=4
)


def written(table: list[list[str]]) -> bytes:
    output = io.StringIO(newline="")
    csv.writer(output, quoting=csv.QUOTE_ALL).writerows(table)
    return output.getvalue().encode()


def whole(data: bytes) -> list:
    return [row for row in rows(data, line=2, final=True) if not row.blank]


@given(st.lists(FIELDS, max_size=6), st.integers(1, 200))
def test_rows_are_the_same_however_the_file_is_cut(table, cut):
    data = written(table)
    assert [row.fields for row in whole(data)] == table
    found, offset, line = [], 0, 2
    while offset < len(data):
        size = cut
        while True:  # a window that holds no whole row grows, as those of a job never have to
            window = data[offset : offset + size]
            some = list(rows(window, line=line, final=offset + size >= len(data)))
            if some:
                break
            size += cut
        found += some
        offset, line = offset + some[-1].end, some[-1].next_line
    assert [row.fields for row in found if not row.blank] == table
    assert [row.line for row in found if not row.blank] == [row.line for row in whole(data)]


def test_lines_are_counted_as_an_editor_counts_them():
    data = b'a,b\r\n\r\n"two\nlines",c\nd,e'
    assert [(row.line, row.fields) for row in whole(data)] == [
        (2, ["a", "b"]),
        (4, ["two\nlines", "c"]),
        (6, ["d", "e"]),
    ]


@pytest.mark.parametrize(
    ("data", "code", "goes_on"),
    [
        (b"\xff,b\nc,d\n", "row-not-utf-8", True),
        (b'"a"b,c\nc,d\n', "bad-quotes", True),
        (b'"a\nc,d\n', "unclosed-quotes", False),
        (b"a" * (MAX_ROW + 1) + b"\nc,d\n", "row-too-long", False),
        (b'"' + b"a\n" * MAX_ROW + b'"\nc,d\n', "unclosed-quotes", False),
    ],
)
def test_a_row_that_cannot_be_read_says_why(data, code, goes_on):
    first, *rest = whole(data)
    assert (first.line, first.error.code, first.last) == (2, code, not goes_on)
    assert [row.fields for row in rest] == ([["c", "d"]] if goes_on else [])


def test_a_row_of_the_longest_length_is_taken():
    assert whole(b"a" * (MAX_ROW - 1) + b"\nb\n")[1].fields == ["b"]


def test_the_first_line_names_the_columns():
    assert names(b"\xef\xbb\xbfReference, TYPE\r\nx") == (["reference", "type"], 20)
    for data, error in [
        (b"", NoRows),
        (b"\n\n", NoRows),
        (b"a,b,A\n", RepeatedColumn),
        (b"\xff\n", NotUTF8Row),
    ]:
        with pytest.raises(error):
            names(data)
