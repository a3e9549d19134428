"""Which names a file may have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kouan.apps.files.domain import sound_name


@pytest.mark.parametrize("name", ["a", "report 2026.pdf", "報關單（副本）.xlsx", "数据.tar.gz", "é" * 100])
def test_plain_names_are_sound(name):
    assert sound_name(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".bashrc", "../keys/x", "a/b", "a\\b", "c:\\x", "-rf", " a", "a ", "a.", "a\0b", "a\nb",
     "cod\u202efdp.exe", "a\u200bb", "\ud800", "x" * 121, "漢" * 86, "a:b", "con|x"],
)  # fmt: skip
def test_anything_else_is_not(name):
    assert not sound_name(name)


@given(st.text(max_size=130))
def test_a_sound_name_stays_in_its_folder(tmp_path_factory, name):
    if sound_name(name):
        folder = tmp_path_factory.getbasetemp()
        assert (folder / name).resolve().parent == folder.resolve()
        assert len(name.encode()) <= 255
