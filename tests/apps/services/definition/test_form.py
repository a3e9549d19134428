"""The form engine: what a form may be, what fits it, what is left and what it says."""

from __future__ import annotations

import copy

import pytest
from django.utils import translation
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from kouan.apps.services.definition import answers as engine
from kouan.apps.services.definition import shapes
from kouan.apps.services.definition.form import BadForm, clean, faults, in_words, kinds, wrong


def text(en, hant="問題", hans="问题"):
    return {"en": en, "zh_hant": hant, "zh_hans": hans}


def ask(title, element="person.name", **more):
    return {"type": "string", "x-title": text(title), "x-element": element} | more


def one_of(*values):
    return [{"const": value, "x-title": text(value.title())} for value in values]


FORM = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["name", "lives", "owners"],
    "properties": {
        "name": ask("Your name", maxLength=40, **{"x-prefill": "person.name"}),
        "born": ask("Date of birth", "person.birthdate", format="date"),
        "lives": {
            "type": "object",
            "x-title": text("Where you live"),
            "required": ["street"],
            "properties": {"street": {"$ref": "#/$defs/line"}, "flat": ask("Flat", "person.address")},
        },
        "owns": {
            "x-title": text("Do you own a car?"),
            "x-element": "person.statement",
            "type": "boolean",
        },
        "owners": {
            "type": "array",
            "x-title": text("Owner"),
            "minItems": 1,
            "maxItems": 3,
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": ask("Name"),
                    "share": ask("Share", type="integer", minimum=1, maximum=100),
                },
            },
        },
        "why": {
            "type": "array",
            "uniqueItems": True,
            "x-title": text("Why"),
            "x-element": "person.statement",
            "items": {"oneOf": one_of("work", "study")},
        },
    },
    "if": {"properties": {"owns": {"const": True}}, "required": ["owns"]},
    "then": {
        "required": ["fuel"],
        "properties": {
            "fuel": {
                "x-title": text("Fuel"),
                "x-element": "person.statement",
                "oneOf": one_of("petrol", "power"),
            },
            "plate": ask(
                "Plate", pattern="^[A-Z]{2}[0-9]{4}$", **{"x-error": text("Two letters, four digits")}
            ),
        },
    },
    "$defs": {"line": ask("Street", "person.address")},
}
GOOD = {
    "name": "CHAN Tai Man",
    "lives": {"street": "1 Queen's Road"},
    "owns": True,
    "fuel": "power",
    "plate": "AB1234",
    "owners": [{"name": "CHAN", "share": 60}, {"name": "LEE"}],
    "why": ["work", "study"],
}


def _changed(**more):
    return copy.deepcopy(FORM) | more


def _codes(answers, form=FORM):
    return [(each.path, each.code) for each in wrong(form, answers)]


def test_a_sound_form_has_no_fault_and_sound_answers_fit():
    assert faults(FORM) == []
    assert wrong(FORM, GOOD) == []
    assert clean(FORM, GOOD) == GOOD


@pytest.mark.parametrize(
    ("more", "path", "code"),
    [
        ({"name": ""}, "name", "missing"),
        ({"name": "x" * 41}, "name", "too-long"),
        ({"name": "a\x07b"}, "name", "characters"),
        ({"name": 7}, "name", "wrong-kind"),
        ({"born": "2026-02-30"}, "born", "not-a-date"),
        ({"born": "20260228"}, "born", "not-a-date"),
        ({"lives": {}}, "lives.street", "missing"),
        ({"lives": "here"}, "lives", "wrong-kind"),
        ({"fuel": "coal"}, "fuel", "not-a-choice"),
        ({"plate": "ab1234"}, "plate", "pattern"),
        ({"owners": []}, "owners", "too-few"),
        ({"owners": [{"name": "a"}] * 4}, "owners", "too-many"),
        ({"owners": [{"name": "a", "share": 0}]}, "owners.0.share", "too-small"),
        ({"owners": [{"name": "a", "share": 101}]}, "owners.0.share", "too-large"),
        ({"owners": [{"name": "a", "share": True}]}, "owners.0.share", "not-a-whole-number"),
        ({"owners": [{"name": "a"}, {}]}, "owners.1.name", "missing"),
        ({"why": ["work", "work"]}, "why", "repeated"),
        ({"why": ["play"]}, "why", "not-a-choice"),
        ({"owns": "yes"}, "owns", "not-a-choice"),
        ({"more": 1}, "more", "not-asked"),
    ],
)
def test_what_does_not_fit_is_named_by_place_and_code(more, path, code):
    assert (path, code) in _codes(GOOD | more)


def test_what_is_wrong_comes_in_the_forms_order_and_says_what_to_do_in_the_readers_script():
    bad = {"name": "", "lives": {}, "owners": [{}], "owns": True, "plate": "x"}
    assert [path for path, _code in _codes(bad)] == ["name", "lives.street", "fuel", "plate", "owners.0.name"]
    found = {each.path: each.message for each in wrong(FORM, bad)}
    assert found["plate"] == "Two letters, four digits"
    assert found["name"] == "Answer “Your name”."
    with translation.override("zh-hant"):
        assert next(each.message for each in wrong(FORM, {})) != found["name"]


def test_what_an_answer_raises_is_asked_behind_it_and_only_while_it_stands():
    order = list(shapes.asked(shapes.expanded(FORM), GOOD).questions)
    assert order[order.index("owns") :][:3] == ["owns", "fuel", "plate"]
    without = clean(FORM, GOOD | {"owns": False})
    assert "fuel" not in without
    assert wrong(FORM, without) == []
    assert {("fuel", "not-asked"), ("plate", "not-asked")} <= set(_codes(GOOD | {"owns": False}))


def test_an_answer_that_is_no_longer_asked_raises_nothing():
    chain = {
        "type": "object",
        "properties": {"a": ask("A")},
        "allOf": [
            {
                "if": {"properties": {"a": {"const": "x"}}, "required": ["a"]},
                "then": {"properties": {"b": ask("B")}},
            },
            {
                "if": {"properties": {"b": {"const": "y"}}, "required": ["b"]},
                "then": {"properties": {"c": ask("C")}},
            },
        ],
    }
    assert faults(chain) == []
    assert clean(chain, {"a": "x", "b": "y", "c": "z"}) == {"a": "x", "b": "y", "c": "z"}
    assert clean(chain, {"a": "no", "b": "y", "c": "z"}) == {"a": "no"}


def test_nothing_is_no_answer_and_a_section_that_must_be_there_is():
    assert clean(FORM, {"name": "", "born": None, "owners": []}) == {"lives": {}}
    optional = _changed(required=["name"])
    assert clean(optional, {"name": "A", "lives": {"street": ""}}) == {"name": "A"}
    assert wrong(optional, {"name": "A", "lives": {"flat": "3"}})[0].path == "lives.street"


def test_kinds_are_those_of_what_is_answered():
    assert kinds(FORM, {"name": "A"}) == {"person.name"}
    assert kinds(FORM, GOOD) == {"person.name", "person.address", "person.statement"}


def test_answers_read_as_people_read_them():
    passages = in_words(FORM, GOOD | {"born": "1990-02-03"}, "en")
    said = {line.path: line.value for passage in passages for line in passage.lines}
    assert said["born"] == "3 February 1990"
    assert said["owns"] == "Yes"
    assert said["fuel"] == "Power"
    assert said["why"] == "Work\nStudy"
    assert [passage.title.en for passage in passages][-3:] == ["Owner 1", "Owner 2", "Your answers"]
    assert [passage.named for passage in passages][-3:] == [True, True, False]
    (first, *_rest) = in_words(FORM, {"born": "1990-02-03", "owns": True}, "zh-hans")
    assert next(line.value for line in first.lines) == "1990年2月3日"


def test_an_attached_file_is_named_by_its_digest():
    form = {
        "type": "object",
        "properties": {
            "photo": ask("Photo", "person.file", format="attachment", **{"x-media": ["image/png"]})
        },
    }
    assert faults(form) == []
    assert _codes({"photo": "photo.png"}, form) == [("photo", "no-file")]
    assert engine.files(form, {"photo": "0f" * 32}) == {"photo": "0f" * 32}
    assert in_words(form, {"photo": "0f" * 32}, "en", names={"photo": "me.png"})[0].lines[0].value == "me.png"


@pytest.mark.parametrize(
    ("form", "where"),
    [
        ({"type": "array"}, "/type"),
        ({"type": "object", "properties": {}}, "/properties"),
        ({"type": "object", "properties": {"a b": ask("A")}}, "/properties/a b"),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, "/properties/a"),
        ({"type": "object", "properties": {"a": ask("A", "person.nothing")}}, "/properties/a/x-element"),
        (
            {"type": "object", "properties": {"a": ask("A") | {"x-title": {"en": "A"}}}},
            "/properties/a/x-title",
        ),
        ({"type": "object", "properties": {"a": ask("A", enum=["x"])}}, "/properties/a/enum"),
        ({"type": "object", "properties": {"a": ask("A", maxlength=3)}}, "/properties/a/maxlength"),
        ({"type": "object", "properties": {"a": ask("A", pattern="(a)\\1")}}, "/properties/a/pattern"),
        ({"type": "object", "properties": {"a": ask("A", pattern="(?=a)a")}}, "/properties/a/pattern"),
        ({"type": "object", "properties": {"a": ask("A", pattern="[")}}, "/properties/a/pattern"),
        (
            {"type": "object", "properties": {"a": ask("A", minLength=5, maxLength=2)}},
            "/properties/a/minLength",
        ),
        ({"type": "object", "properties": {"a": {"$ref": "https://example.com/a"}}}, ""),
        (
            {
                "type": "object",
                "properties": {"a": {"$ref": "#/$defs/a"}},
                "$defs": {"a": {"$ref": "#/$defs/a"}},
            },
            "",
        ),
        ({"type": "object", "required": ["b"], "properties": {"a": ask("A")}}, "/required"),
        (
            {
                "type": "object",
                "properties": {"a": ask("A")},
                "if": {"properties": {"a": {"const": "x"}}},
                "then": {"properties": {"b": ask("B")}},
            },
            "/if/properties/a",
        ),
        (
            {
                "type": "object",
                "properties": {"a": ask("A")},
                "if": {"properties": {"a": {"pattern": "(a+)+$"}}, "required": ["a"]},
                "then": {"required": ["a"]},
            },
            "/if/properties/a/pattern",
        ),
        (
            {"type": "object", "properties": {"a": ask("A", **{"x-prefill": "person"})}},
            "/properties/a/x-prefill",
        ),
        (
            {
                "type": "object",
                "properties": {"a": ask("A", format="attachment", **{"x-media": ["text/html"]})},
            },
            "/properties/a/x-media",
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"$ref": "#/$defs/x"}},
                "$defs": {"x": ask("A", pattern="[")},
            },
            "/$defs/x/pattern",
        ),
    ],
)
def test_a_fault_of_the_form_is_named_by_its_place(form, where):
    assert where in [fault.where for fault in faults(form)]


def test_a_pattern_that_would_run_away_elsewhere_does_not_here():
    form = {"type": "object", "properties": {"a": ask("A", pattern="^(a+)+$", maxLength=4000)}}
    assert faults(form) == []
    assert _codes({"a": "a" * 3999 + "!"}, form) == [("a", "pattern")]


def test_a_form_that_grows_without_end_is_refused():
    wide = {f"d{at}": {"type": "object", "x-title": text("S"), "properties": {
        name: {"$ref": f"#/$defs/d{at + 1}"} for name in "abcdefgh"
    }} for at in range(8)} | {"d8": ask("A")}  # fmt: skip
    form = {"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": wide}
    assert faults(form)
    with pytest.raises(BadForm):
        wrong(form, {})


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 200)
    | st.sampled_from(["", "AB1234", "power", "work", "2020-02-02", "x"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "name",
                    "born",
                    "lives",
                    "owns",
                    "owners",
                    "why",
                    "fuel",
                    "plate",
                    "street",
                    "flat",
                    "share",
                    "zzz",
                ]
            ),
            inner,
            max_size=8,
        )
    ),
    max_leaves=20,
)
OBJECTS = st.dictionaries(st.sampled_from([*FORM["properties"], "fuel", "plate", "zzz"]), JSON, max_size=9)


@given(OBJECTS)
def test_cleaning_twice_is_cleaning_once_and_leaves_only_what_is_asked(answers):
    once = clean(FORM, answers)
    assert clean(FORM, once) == once
    assert "not-asked" not in [each.code for each in wrong(FORM, once) if "." not in each.path]


@given(OBJECTS)
def test_what_fits_here_fits_by_the_standards_own_rules(answers):
    cleaned = clean(FORM, answers)
    if not wrong(FORM, cleaned):
        assert Draft202012Validator(FORM).is_valid(cleaned)
        for passage in in_words(FORM, cleaned, "zh-hant"):
            assert passage.lines


KEYS = st.sampled_from(
    [
        "type",
        "properties",
        "items",
        "oneOf",
        "const",
        "x-title",
        "x-element",
        "if",
        "then",
        "else",
        "allOf",
        "required",
        "pattern",
        "format",
        "$ref",
        "$defs",
        "a",
        "minLength",
        "uniqueItems",
        "not",
        "anyOf",
        "x-media",
        "enum",
    ]
)
SCHEMAS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(
        ["object", "array", "string", "date", "attachment", "#/$defs/a", "person.name", "a", "["]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=40,
)  # fmt: skip


@example({"properties": True}, {})
@given(st.dictionaries(KEYS, SCHEMAS, max_size=6), OBJECTS)
def test_no_form_whatever_makes_the_check_fall_over(form, answers):
    found = faults({"type": "object"} | form)
    if not found:
        wrong({"type": "object"} | form, clean({"type": "object"} | form, answers))


@given(
    st.recursive(st.just({}), lambda inner: st.dictionaries(KEYS, inner | SCHEMAS, max_size=3), max_leaves=10)
)
def test_a_question_of_any_shape_is_judged(question):
    form = {"type": "object", "properties": {"a": question}}
    if not faults(form):
        wrong(form, {"a": "x"})


@pytest.mark.parametrize(
    "pattern",
    [
        "^\\w{150}N$",
        "^[\\w-]$",
        "^\\p{L}{2}$",
        "^(([a-z]{20}){20}){2}$",
        "^[a-z]{200}[a-z]{201}$",
        "^(?x)a{4 0 1}$",
        "^\\x{41}{401}$",
        "^[]a-z]{401}$",
        "^(a|bc){1,200}$",
    ],
)
def test_a_pattern_that_takes_too_much_room_is_refused_before_it_is_made(pattern, monkeypatch):
    monkeypatch.setattr(shapes, "matcher", lambda _pattern: pytest.fail("it was made"))
    (fault,) = faults({"type": "object", "properties": {"a": ask("A", pattern=pattern)}})
    assert fault.where == "/properties/a/pattern"


@pytest.mark.parametrize(
    "pattern",
    [
        "^[A-Za-z0-9 ,.'()-]{1,200}$",
        r"^\d{4}-[0-9]{2}(\(\{\))?$",
        "^(?i)(?:[a-f]{4}-){8}[^]]*$",
        "^[一-龥]{2,30}$",
    ],
)
def test_a_usual_pattern_has_room(pattern):
    assert faults({"type": "object", "properties": {"a": ask("A", pattern=pattern)}}) == []


def test_patterns_that_were_used_are_forgotten_in_the_end():
    shapes.matcher.cache_clear()
    for at in range(300):
        shapes.matcher(f"^{at}$")
    assert shapes.matcher.cache_info().currsize == 256


def ruled(count, **more):
    rule = {"if": {"properties": {"q": {"const": "x"}}, "required": ["q"]}, "then": {"required": ["q"]}}
    return {
        "type": "object",
        "x-title": text("S"),
        "properties": {"q": ask("Q")},
        "allOf": [rule] * count,
    } | more


LARGE = {
    "if": {"properties": {"q": {"enum": [str(at) for at in range(200)]}}, "required": ["q"]},
    "then": {"required": ["q"]},
}


def listed(most, items):
    return {
        "type": "array", "x-title": text("L"), "x-element": "person.name", "maxItems": most, "items": items,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("properties", "where"),
    [
        ({"a": ruled(41)}, "/properties/a"),
        ({f"s{at}": ruled(40) for at in range(6)}, ""),
        ({"a": listed(50, ruled(41))}, "/properties/a/items"),
        ({"a": listed(50, {"type": "object", "properties": {"b": listed(41, ruled(1))}})}, ""),
        ({"a": listed(50, ruled(0, allOf=[LARGE]))}, ""),
    ],
    ids=["a section", "a form", "a list", "lists in lists", "a large one in a list"],
)
def test_conditions_that_would_be_looked_at_too_often_are_refused(properties, where):
    assert where in [fault.where for fault in faults({"type": "object", "properties": properties})]


def test_conditions_inside_conditions_count_and_so_do_the_parts_of_one():
    condition = ruled(1)["allOf"][0]["if"]

    def raising(name):
        rule = {
            "if": {"properties": {name: {"const": "x"}}, "required": [name]},
            "then": {"required": [name]},
        }
        return {"if": condition, "then": {"properties": {name: ask("R")}, "allOf": [rule] * 20}}

    def found(*rules):
        return faults({"type": "object", "properties": {"a": ruled(0, allOf=list(rules))}})

    assert found(raising("r")) == []
    (fault,) = found(raising("r"), raising("s"))
    assert "more than 40 conditions" in fault.what
    (fault,) = found({"if": {"anyOf": [condition] * 101}, "then": {"required": ["q"]}})
    assert "more than 400 parts" in fault.what


def test_a_condition_is_read_once():
    form = {"type": "object", "properties": {"a": ruled(1)}}
    shapes._condition.cache_clear()
    for answer in "xyz":
        wrong(form, {"a": {"q": answer}})
    assert shapes._condition.cache_info().misses == 1
