"""The translations are complete, and the check that says so would notice if they were not."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def messages():
    spec = importlib.util.spec_from_file_location("kouan_tools_messages", ROOT / "tools/messages.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_no_string_is_missing_fuzzy_or_wrong(messages):
    found = list(messages.problems())
    assert not found, "\n".join(found)


@pytest.fixture
def planted(messages, tmp_path, monkeypatch):
    """A package of one sentence, translated as the test says."""
    monkeypatch.setattr(messages, "SOURCE", tmp_path)
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    pages = tmp_path / "web/jinja2/web"
    pages.mkdir(parents=True)
    (tmp_path / "core").mkdir()
    (tmp_path / "apps").mkdir()
    (pages / "a.html").write_text(
        "{% trans n=3 %}Wait %(n)s seconds{% endtrans %}".replace("%(n)s", "{{ n }}")
    )
    package = next(package for package in messages.packages() if package.name == "web")
    messages.update(package)

    def translate(hant: str, hans: str, flag: str = "") -> list[str]:
        for script, text in (("zh_Hant", hant), ("zh_Hans", hans)):
            po = package.po(script)
            written = po.read_text(encoding="utf-8").replace(
                'seconds"\nmsgstr ""', f'seconds"\nmsgstr "{text}"'
            )
            po.write_text(written.replace("#, python-format", f"#, {flag}python-format"), encoding="utf-8")
        return list(messages.problems())

    return translate


@pytest.mark.parametrize(
    ("hant", "hans", "flag", "faults"),
    [
        ("請等 %(n)s 秒", "请等 %(n)s 秒", "", []),
        ("", "请等 %(n)s 秒", "", ["web zh_Hant: missing"]),
        ("請等 %(n)s 秒", "请等几秒", "", ["web zh_Hans: places none instead of %(n)s"]),
        ("请等 %(n)s 秒", "请等 %(n)s 秒", "", ["web zh_Hant: characters of the other script (请)"]),
        ("請等 %(n)s 秒", "請等 %(n)s 秒", "", ["web zh_Hans: characters of the other script (請)"]),
        ("請等 %(n)s 秒", "请等 %(n)s 秒", "fuzzy, ", ["web zh_Hant: fuzzy", "web zh_Hans: fuzzy"]),
    ],
    ids=[
        "whole",
        "missing",
        "placeholder",
        "simplified-in-traditional",
        "traditional-in-simplified",
        "fuzzy",
    ],
)
def test_the_check_names_each_fault(planted, hant, hans, flag, faults):
    assert [line.rpartition(": ")[0] for line in planted(hant, hans, flag)] == faults


@pytest.mark.parametrize(
    ("source", "translation", "faults"),
    [("; ", "；", []), (" or ", "或", []), ("Signed in as ", "目前登入帳戶：", ["space at an end"])],
)
def test_only_words_that_join_others_may_lose_their_spaces(messages, source, translation, faults):
    text = messages.Message(source, source), messages.Message(source, translation)
    assert list(messages._faults(*text, "utf-8")) == faults


def test_a_string_gone_from_the_source_is_named_and_update_takes_it_out(messages, planted, tmp_path):
    planted("請等 %(n)s 秒", "请等 %(n)s 秒")
    (tmp_path / "web/jinja2/web/a.html").write_text("{{ _('Another') }}")
    assert any("no longer used" in line for line in messages.problems())
    messages.update(next(package for package in messages.packages() if package.name == "web"))
    assert [line for line in messages.problems() if "missing" not in line] == []


def test_a_text_of_two_packages_has_one_translation_unless_a_context_parts_them(messages, planted, tmp_path):
    assert planted("請等 %(n)s 秒", "请等 %(n)s 秒") == []
    core = messages.Package("core", (tmp_path / "core",), tmp_path / "core/locale")
    pages = tmp_path / "core/jinja2/core"
    pages.mkdir(parents=True)

    def says(source: str, hans: str) -> list[str]:
        (pages / "a.html").write_text(source)
        messages.update(core)
        for script, text in (("zh_Hant", "請等 %(n)s 秒"), ("zh_Hans", hans)):
            po = core.po(script)
            po.write_text(po.read_text("utf-8").replace('seconds"\nmsgstr ""', f'seconds"\nmsgstr "{text}"'))
        return [line.rpartition(": ")[0] for line in messages.problems()]

    text = "{% trans n=3 %}Wait {{ n }} seconds{% endtrans %}"
    (differs,) = says(text, "请稍候 %(n)s 秒")
    assert "zh_Hans: one text, several translations" in differs
    assert "请稍候 %(n)s 秒 in core; 请等 %(n)s 秒 in web" in differs
    apart = "{{ pgettext('a pause', 'Wait %(n)s seconds', n=3) }}"
    assert says(apart, "请稍候 %(n)s 秒") == []


def test_compile_writes_only_what_is_stale(messages, planted):
    planted("請等 %(n)s 秒", "请等 %(n)s 秒")
    assert messages.compile_stale() == 2
    assert messages.compile_stale() == 0
