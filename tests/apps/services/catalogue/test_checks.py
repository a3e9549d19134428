from __future__ import annotations

import time

import pytest

from kouan.apps.services.definition import lines
from kouan.apps.services.definition.checks import check
from kouan.core import credentials
from kouan.core.credentials import known_requirements, requirements_from

CARD = "hk/library-card"
FLOW = """
[[flow]]
action = "take-up"
source = "received"
target = "in-review"
role = "officer"

[[flow]]
action = "grant"
source = "in-review"
target = "granted"
role = "officer"
"""


def row(said):
    action, source, target, role = said
    return f'[[flow]]\naction = "{action}"\nsource = "{source}"\ntarget = "{target}"\nrole = "{role}"\n'


def line_of(folder, file, text):
    lines_ = (folder / file).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines_, 1) if text in line)


@pytest.mark.parametrize(
    ("toml", "marker", "what"),
    [
        ([(', zh_hans = "公共图书馆图书证"', "")], "title = ", "title.zh_hans: there is no text in zh_hans"),
        (
            [('category = "culture-and-tourism"', 'category = "leisure"')],
            'category = "leisure"',
            "category: input should be",
        ),
        ([('side = "hk"', 'side = "xx"')], 'side = "xx"', "side: no side is called xx"),
        ([('homes = ["gd", "mo"]', 'homes = ["gd", "hk"]')], "homes", "residents of the side that offers it"),
        ([('homes = ["gd", "mo"]', 'homes = ["gd", "xy"]')], "homes", "no side is called xy"),
        (
            [('requirement = "residence"', 'requirement = "horoscope"')],
            "horoscope",
            "no requirement is called horoscope",
        ),
        (
            [('requirement = "residence"', 'requirement = "identity"')],
            'requirement = "identity"',
            "asked for twice",
        ),
        (
            [('source = "answers.kind"', 'source = "answers.colour"')],
            "answers.colour",
            "the form asks no colour",
        ),
        ([('source = "case.reference"', 'source = "case.smell"')], "case.smell", "a case knows"),
        (
            [("demonstration = true", 'demonstration = true\ncolour = "red"')],
            "colour",
            "there is no such key",
        ),
        ([("working_days = 3", 'working_days = "soon"')], "soon", "time_limit.working_days"),
        (
            [("demonstration = true", 'demonstration = true\nacts_for = ["self", "person"]')],
            "acts_for",
            "no need called representation",
        ),
        (
            [("working_days = 3", "working_days = 3\n\n[cosigners]\nleast = 2\nmost = 1")],
            "least = 2",
            "more must sign than may",
        ),
        ([('amount = "130"', 'amount = "much"')], "much", "fee.amount"),
        ([('amount = "130"', "amount = ")], "amount = ", "it is no TOML"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_of_the_service_is_shown_on_its_line(folder, toml, marker, what):
    made = folder(CARD, toml=toml)
    found = check(made)
    assert [each for each in found if what in str(each)], found
    fault = next(each for each in found if what in str(each))
    lines_ = (made / "service.toml").read_text(encoding="utf-8").splitlines()
    assert fault.file == "service.toml"
    assert marker in lines_[fault.line - 1], (fault, lines_[fault.line - 1])


@pytest.mark.parametrize(
    ("form", "marker", "what"),
    [
        ([('"x-element": "person.family"', '"x-element": "person.aura"')], "person.aura", "person.aura"),
        ([('"zh_hant": "圖書證種類",', "")], None, "zh_hant"),
        ([('"type": "boolean"', '"type": "feeling"')], None, "no kind of question"),
        (
            [('"x-prefill": "evidence.residence.address"', '"x-prefill": "evidence.residence.colour"')],
            "evidence.residence.colour",
            "does not ask for residence.colour",
        ),
        ([('"required": [', '"required": [,')], None, "it is no JSON"),
        ([('"type": "object",', '"type": "object", "type": "object",')], None, "there twice"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_of_the_form_is_shown_on_its_line(folder, form, marker, what):
    made = folder(CARD, form=form)
    found = check(made)
    fault = next(each for each in found if what in str(each))
    assert fault.file == "form.json"
    if marker:
        assert fault.line == line_of(made, "form.json", marker)


def test_all_faults_are_shown_at_once_in_the_order_of_the_lines(folder):
    made = folder(
        CARD,
        toml=[('side = "hk"', 'side = "xx"'), ('source = "answers.kind"', 'source = "answers.colour"')],
        form=[('"x-element": "person.family"', '"x-element": "person.aura"')],
    )
    found = check(made)
    assert [each.file for each in found] == ["service.toml", "service.toml", "form.json"]
    assert found[0].line < found[1].line


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        (
            [("reopen", "appealed", "in-review", "officer")],
            "no case can come to the state appealed",
        ),
        (
            [("ask-payment", "in-review", "payment", "officer")],
            "from the state payment no case comes to an end",
        ),
        (
            [("ask-payment", "in-review", "payment", "officer"), ("pay", "payment", "in-review", "cashier")],
            "it never lapses",
        ),
        (
            [("grant", "in-review", "refused", "officer")],
            "in two ways",
        ),
    ],
    ids=["unreachable", "dead end", "for ever", "two ways"],
)
def test_a_flow_that_no_case_could_follow_is_refused_with_its_row(folder, rows, what):
    made = folder(CARD)
    file = made / "service.toml"
    file.write_text(file.read_text(encoding="utf-8") + FLOW + "\n".join(map(row, rows)), encoding="utf-8")
    fault = next(each for each in check(made) if what in each.what)
    assert file.read_text(encoding="utf-8").splitlines()[fault.line - 1] == "[[flow]]"


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (("grant", "received", "granted", "applicant"), "grant is done by the officer alone"),
        (("grant", "received", "in-review", "officer"), "grant goes to granted alone, and not to in-review"),
        (("grant", "received", "refused", "officer"), "grant goes to granted alone, and not to refused"),
        (("uphold", "appealed", "in-review", "officer"), "uphold goes to refused alone"),
        (("lapse", "correction", "lapsed", "applicant"), "lapse is done by the clock alone"),
        (("lapse", "correction", "in-review", "clock"), "lapse goes to lapsed alone"),
        (("lapse", "in-review", "lapsed", "clock"), "lapse goes from correction or payment alone"),
        (("ask-correction", "in-review", "payment", "officer"), "ask-correction goes to correction alone"),
        (("reopen", "refused", "in-review", "officer"), "reopen goes from appealed alone"),
        (
            ("refuse", "draft", "refused", "officer"),
            "refuse goes from appealed or in-review or received alone",
        ),
        (("pay", "payment", "in-review", "officer"), "pay is done by the cashier alone"),
        (("ask-correction", "in-review", "correction", "officer"), "no row has correct"),
    ],
)
def test_a_row_that_lets_an_action_be_what_it_is_not_is_refused_with_its_line(folder, wrong, what):
    made = folder(CARD)
    file = made / "service.toml"
    before = file.read_text(encoding="utf-8") + FLOW
    file.write_text(before + row(wrong), encoding="utf-8")
    fault = next(each for each in check(made) if what in each.what)
    assert fault.line == before.count("\n") + 1
    assert fault.what.startswith("flow.2: ")


def test_a_fee_that_no_row_asks_for_is_never_paid(folder):
    made = folder("hk/vehicle-particulars")
    file = made / "service.toml"
    assert "[fee]" in file.read_text(encoding="utf-8")
    file.write_text(file.read_text(encoding="utf-8") + FLOW, encoding="utf-8")
    (fault,) = check(made)
    assert fault.line == line_of(made, "service.toml", "[fee]")
    assert fault.what == "fee: it is never asked for: no row of the flow has ask-payment"


def test_a_flow_of_its_own_that_can_be_followed_is_none(folder):
    made = folder(CARD)
    file = made / "service.toml"
    paying = [
        ("ask-payment", "in-review", "payment", "officer"),
        ("pay", "payment", "in-review", "cashier"),
        ("lapse", "payment", "lapsed", "clock"),
    ]
    rows = "\n".join(map(row, paying))
    file.write_text(file.read_text(encoding="utf-8") + FLOW + rows, encoding="utf-8")
    assert check(made) == []


def test_a_department_that_the_side_does_not_have_is_named(folder):
    made = folder(CARD)
    assert check(made, departments=["leisure-and-culture"]) == []
    (fault,) = check(made, departments=["transport"])
    assert fault.line == line_of(made, "service.toml", 'code = "leisure-and-culture"')


def test_a_missing_file_is_named(folder):
    made = folder(CARD)
    (made / "form.json").unlink()
    (fault,) = check(made)
    assert (fault.file, fault.line) == ("form.json", 1)


def test_requirements_of_an_installation_count_too(folder, monkeypatch):
    monkeypatch.setattr(credentials, "_sources", [])
    made = folder(CARD, toml=[('requirement = "residence"', 'requirement = "pilot-licence"')])
    made_form = (made / "form.json").read_text(encoding="utf-8")
    (made / "form.json").write_text(
        made_form.replace("evidence.residence", "evidence.pilot-licence"), encoding="utf-8"
    )
    assert check(made)
    requirements_from(lambda: ["pilot-licence"])
    assert check(made) == []
    assert "pilot-licence" in known_requirements()


@pytest.mark.parametrize(
    ("file", "text", "line", "what"),
    [
        ("service.toml", 'side = "hk"\nfee = ' + "9" * 5000, 2, "a number has too many digits"),
        ("service.toml", "x = 1\n[" + " " * 400_000 + '"]x"]', 2, "the line is longer than 20000 characters"),
        ("service.toml", "x = 1\n[" + " " * 15_000 + '"]x"]', 1, "]x: there is no such key"),
        ("service.toml", "[" + ".".join(["a"] * 9_000) + "]\n" + 'title = "x"', 1, "it is missing"),
        ("form.json", '{"x": ' + "9" * 5000 + "}", 1, "a number has too many digits"),
        (
            "form.json",
            "{" + ",".join(f'"{n}":0' for n in range(50_000)) + ',"7":0}',
            1,
            'name "7" is there twice',
        ),
        ("form.json", '{"x": ' + "[" * 300 + "0," * 100_000 + "0" + "]" * 300 + "}", 1, "nested too deeply"),
    ],
    ids=["digits", "long header", "cubic header", "deep table", "digits in JSON", "many names", "deep JSON"],
)
def test_what_would_keep_a_worker_for_long_is_refused_at_once(folder, file, text, line, what):
    made = folder(CARD)
    (made / file).write_text(text, encoding="utf-8")
    began = time.monotonic()
    found = check(made)
    assert time.monotonic() - began < 5
    assert any((each.file, each.line) == (file, line) and what in each.what for each in found), found[:3]


def test_lines_of_toml_are_those_of_keys_tables_and_items():
    text = '''a = 1
b = [
  "x", # ] not the end
]
text = """
c = 2
"""
[t.u]
k.l = { m = 1 }
[[rows]]
n = 1
[[rows]]
n = "[[rows]]"
[rows.deep]
o = 2
'''
    found = lines.of_toml(text)
    assert found[("a",)] == 1
    assert found[("b",)] == 2
    assert ("c",) not in found
    assert found[("t", "u", "k", "l")] == 9
    assert (found[("rows", "0")], found[("rows", "1", "n")], found[("rows", "1", "deep", "o")]) == (
        10,
        13,
        15,
    )
    assert lines.nearest(found, ("t", "u", "missing")) == 8


def test_lines_of_json_are_those_of_members_and_items():
    found = lines.of_json('{\n "a": [1,\n  {"b\\"}": "]"}],\n "c": null\n}')
    assert found[("a", "1", 'b"}')] == 3
    assert found[("c",)] == 4
