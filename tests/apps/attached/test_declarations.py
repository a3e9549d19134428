"""One file declares a type; what is wrong in it stops start-up, naming file and key."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from apps.attached.conftest import DECLARATION, NOTICE, TYPE
from kouan.apps.attached import crossings
from kouan.apps.attached.declarations import DeclarationError, load_declaration
from kouan.apps.attached.schema import MAX_NODES, BadSchema, PayloadSchema
from kouan.apps.operations.catalogue import catalogue, entry_of
from kouan.config import ConfigError
from kouan.core import cbor
from kouan.core.exchange.crossing import IllFormedPayload, OversizedPayload, UndeclaredCrossing, registry
from pace import patience

IMO = 'imo = { type = "string", pattern = "^[0-9]{7}$" }'


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('type = "vessel.arrival-notice"', 'type = "Vessel"', "`type`"),
        ("version = 1", "version = 1.5", "`version`"),
        ("version = 1", "version = true", "`version`"),
        ("max_bytes = 8192", "max_bytes = 9000000", "`max_bytes`"),
        ("expires_after_s = 172800", "expires_after_s = 0", "`expires_after_s`"),
        ('consent = "not-needed"', 'consent = "perhaps"', "`consent`"),
        ('consent = "not-needed"', "", "`consent` is missing"),
        ('consent = "not-needed"', 'consent = "not-needed"\nconcent = 1', "`concent` is unknown"),
        ('senders = ["gd", "hk"]', "senders = []", "`senders`"),
        ('senders = ["gd", "hk"]', 'senders = ["gd", "xx"]', "`senders` names 'xx'"),
        ('zh-hans = "船名"', "", "`fields.name`"),
        ("[fields.imo]", "[fields.imoo]", "`fields.imo` is missing"),
        ('gd = "vessel-desk"\n', "", "`handled_by.gd` is missing"),
        ('gd = "vessel-desk"\n', 'gd = "vessel desk"\n', "`handled_by.gd`"),
        ('gd = "vessel-desk"\n', 'gd = "vessel-desk"\nmo = "x1"\n', "`handled_by.mo`"),
        ('legal_basis = "vessel-arrival"', 'legal_basis = "船"', "`legal_basis`"),
        ('consent = "not-needed"', 'consent = "not-needed"\nhandled = "soon"', "`handled`"),
        ('required = ["imo", ', 'required = ["imo", "captain", ', "`schema.required`"),
        (IMO, IMO.replace("pattern", "patern"), "`schema.properties.imo.patern`"),
        (IMO, IMO.replace('"^[0-9]{7}$"', '"(?=a)a"'), "`schema.properties.imo.pattern`"),
        (IMO, 'imo = { "$ref" = "https://example.org/imo.json" }', "`schema.properties.imo.$ref`"),
        (IMO, "imo = {}", "`schema.properties.imo`"),
        (IMO, "imo = { const = 2026-01-01 }", "`schema.properties.imo.const`"),
        (IMO, 'imo = { type = "string", format = "hostname" }', "`schema.properties.imo.format`"),
        (IMO, 'imo = { type = "string", minLength = "x" }', "`schema.properties.imo.minLength`"),
        (
            'additionalProperties = false\nrequired = ["imo"',
            'required = ["imo"',
            "`schema.additionalProperties`",
        ),
        ("name = {", "copy = {", "`schema.properties.copy`"),
        ('type = "vessel.arrival-notice"', 'type = "validation.notice"', "an app of the node uses"),
        ("[title]", "[title", "cannot be read"),
    ],
)
def test_a_mistake_names_the_file_and_the_key(write, declare, old, new, said):
    path = write((old, new))
    with pytest.raises(DeclarationError) as error:
        declare(path.parent)
    assert str(path) in str(error.value)
    assert said in str(error.value)
    assert isinstance(error.value, ConfigError), "start-up shows it as one sentence"
    assert crossings.all_declared() == ()


def test_one_wrong_file_leaves_nothing_declared(write, declare):
    write(name="a.toml")
    path = write(name="b.toml")
    with pytest.raises(DeclarationError, match="declared twice"):
        declare(path.parent)
    with pytest.raises(UndeclaredCrossing):
        registry.get(TYPE, 1)


def test_start_up_stops_with_one_sentence(write, tmp_path):
    path = write((IMO, IMO.replace("pattern", "patern")))
    (tmp_path / "node.toml").write_text(
        'side = "hk"\n[portal]\nlisten = "127.0.0.1:1"\norigin = "http://127.0.0.1:1"\n'
        '[door]\nlisten = "127.0.0.1:2"\nurl = "https://127.0.0.1:2"\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "kouan.cli", "--node", str(tmp_path / "node.toml"), "migrate"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {path}: `schema.properties.imo.patern`")
    assert len(done.stderr.splitlines()) == 1


def test_the_program_checks_a_file_without_a_node(write):
    command = [sys.executable, "-m", "kouan.cli", "declarations", "check"]
    good = subprocess.run([*command, str(DECLARATION)], capture_output=True, text=True, check=False)
    assert good.stdout.split("\t")[:2] == [f"{TYPE}/1", load_declaration(DECLARATION).digest.hex()]
    bad = subprocess.run(
        [*command, str(write(("version = 1", "")))], capture_output=True, text=True, check=False
    )
    assert (bad.returncode, "`version` is missing" in bad.stderr) == (1, True)


def test_the_digest_is_of_what_the_file_says_and_not_of_how(write):
    same = load_declaration(write(("# Which attached", "# which attached")))
    other = load_declaration(write(("max_bytes = 8192", "max_bytes = 8193")))
    assert same.digest == load_declaration(DECLARATION).digest != other.digest


def test_what_is_declared_stands_in_the_nodes_catalogue_and_not_in_kouans(declared, node):
    entry = entry_of(declared.crossing)
    assert [field.name for field in entry.fields] == ["imo", "name", "port", "expected_at", "cargo"]
    assert str(entry.allowed_by[0][1].id) == "4.1"
    assert "record of" in entry.fields[-1].limits
    assert TYPE in {each.type for each in catalogue()}
    assert TYPE not in {each.type for each in catalogue(own_declarations_only=True)}


# The payload's model


def test_what_fits_crosses_as_it_is(declared):
    crossing = declared.crossing
    without = {name: value for name, value in NOTICE.items() if name != "cargo"}
    for value in (NOTICE, without):
        payload = crossing.decode_bytes(cbor.encode(value))
        assert cbor.decode(crossing.encode(payload), max_bytes=8192) == value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"imo": "12"}, "imo: pattern"),
        ({"imo": None}, "imo: type"),
        ({"captain": "Chan Tai Man"}, "additionalProperties"),
        ({"expected_at": "2026-02-30T00:00:00Z"}, "expected_at: format"),
        ({"cargo": [{"kind": "secret", "tonnes": 1}]}, "cargo.0.kind: enum"),
        ({"cargo": [{"kind": "bulk", "tonnes": float("inf")}]}, "without end"),
        ({"cargo": [{"kind": "bulk", "tonnes": 1, "Chan Tai Man": 1}]}, "cargo.0: additionalProperties"),
        ({"cargo": [{"kind": "bulk"}] * 51}, "cargo: maxItems"),
        ({"name": b"bytes"}, "name: type"),
    ],
)
def test_what_does_not_fit_is_refused_without_being_repeated(declared, change, said):
    with pytest.raises(IllFormedPayload) as error:
        declared.crossing.decode_bytes(cbor.encode(NOTICE | change))
    assert said in str(error.value)
    assert "Chan" not in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("value", [[], "text", 5, None, {1: 2}])
def test_a_payload_that_is_no_record_is_refused(declared, value):
    with pytest.raises(IllFormedPayload):
        declared.crossing.decode_bytes(cbor.encode(value))


def test_a_payload_above_its_size_is_refused(declared):
    with pytest.raises(OversizedPayload):
        declared.crossing.decode_bytes(cbor.encode(NOTICE | {"name": "x" * 9000}))


# What could cost too much


def record(**properties):
    return {"type": "object", "additionalProperties": False, "properties": properties}


def test_a_pattern_that_backtracks_elsewhere_is_quick_here():
    schema = PayloadSchema(record(a={"type": "string", "pattern": r"^(a+)+$"}))
    began = time.process_time()
    assert schema.problem({"a": "a" * 100_000 + "!"}) == "a: pattern"
    assert time.process_time() - began < patience(10)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (
            record(a={"$ref": "#/$defs/a"}) | {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}},
            "holds itself",
        ),
        (record(a={"$ref": "#"}), "only #/$defs"),
        (record(a={"$dynamicRef": "#a"}), "not read"),
        (record(a={"type": "object", "patternProperties": {"^(a+)+$": {}}}), "not read"),
        (record(a={"type": "string", "pattern": "a" * 201}), "at most 200"),
        (record(a={"type": "string", "pattern": "(a{1000}){1000}"}), "linear time"),
        (record(a={"type": "string", "pattern": r"(a)\1"}), "linear time"),
        (record(a={"type": "array", "items": {"type": "integer"}, "uniqueItems": True}), "uniqueItems"),
        (record(a={"type": "array"}), "items"),
        (record(a={"oneOf": [{"type": "null"}] * 17}), "at most 16"),
        (record(a={"enum": list(range(501))}), "at most 500"),
        (record(a={"type": "nonsense"}), "schema.properties.a.type"),
        ({"type": "array", "items": {"type": "null"}}, "record"),
        (record() | {"$schema": "http://json-schema.org/draft-07/schema#"}, "only https"),
        (record(a="text"), "a table"),
        (record(a={"type": "string"}) | {"$defs": []}, "a table"),
    ],
)
def test_a_schema_that_could_blow_up_is_refused(schema, said):
    with pytest.raises(BadSchema, match=said.replace("$", r"\$").replace("#", r"\#")):
        PayloadSchema(schema)


def test_references_that_multiply_are_counted():
    defs = {"n0": {"type": "null"}}
    for level in range(1, 12):
        defs[f"n{level}"] = {"anyOf": [{"$ref": f"#/$defs/n{level - 1}"}] * 8}
    with pytest.raises(BadSchema, match=f"more than {MAX_NODES}|levels deep"):
        PayloadSchema(record(a={"$ref": "#/$defs/n11"}) | {"$defs": defs})


def test_depth_is_bounded():
    deep = {"type": "null"}
    for _ in range(20):
        deep = {"type": "array", "items": deep}
    with pytest.raises(BadSchema, match="levels deep"):
        PayloadSchema(record(a=deep))
