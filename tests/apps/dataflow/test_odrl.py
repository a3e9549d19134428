"""Contracts and consents as ODRL policies: read by anybody's JSON-LD, and taken in whole or not at all."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdflib import Dataset, Literal, URIRef
from rdflib.namespace import ODRL2, RDF, XSD

from apps.dataflow.made import NUMBER, PURPOSE, VALUES, terms
from kouan.apps.dataflow import errors, odrl
from kouan.apps.dataflow.models import DataConsent

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*(ConjunctiveGraph|default_context) is deprecated:DeprecationWarning"  # rdflib's own parser
)
GROUND = {"instrument": "Treaty, article 1", "number": "1", "issued_on": "2026-01-01", "valid_until": None}
ONWARD = [{"name": "Lotus Bank", "place": "mo"}, {"name": "Canton Bank", "place": "gd:guangzhou"}]
DPV = "https://w3id.org/dpv#"


def written(said, **how):
    return json.loads(json.dumps(odrl.of_terms(said, agreed=True) | how))


def read(policy):
    return odrl.to_terms(json.dumps(policy).encode())


def graph_of(policy):
    graph = Dataset(default_union=True)
    graph.parse(data=json.dumps(policy), format="json-ld")
    return graph


@given(
    st.builds(
        terms,
        persons=st.integers(0, 2_000_000_000),
        retention_days=st.integers(1, 36_500),
        onward=st.sampled_from([[], ONWARD, ONWARD[:1]]),
        version=st.just(2),
        replaces=st.just("ab" * 32),
        purposes=st.sampled_from([[PURPOSE], ["dpv:AcademicResearch", PURPOSE]]),
        elements=st.sampled_from([["person.name"], ["person.credit", "person.name"]]),
        expires=st.dates(datetime(2026, 9, 1, tzinfo=UTC).date()).map(lambda day: day.isoformat()),
        basis=st.sampled_from(["gba-standard-contract", "legal-obligation"]),
    ),
    st.booleans(),
)
def test_terms_come_back_as_they_went(said, agreed):
    policy = odrl.of_terms(said, agreed=agreed, basis="dpv:LegalObligation")
    assert read(policy) == said
    assert read(policy).digest() == said.digest()


def test_the_ground_goes_with_it():
    said = terms(basis="legal-obligation", ground=GROUND)
    assert read(written(said)).ground == said.ground


def test_any_json_ld_reader_finds_a_policy_of_odrl():
    graph = graph_of(written(terms()))
    uid = URIRef(f"urn:kouan:contract:{NUMBER}:1")
    assert (uid, RDF.type, ODRL2.Agreement) in graph
    assert graph.value(uid, ODRL2.assigner) == URIRef("urn:kouan:institution:hk:harbour-bank")
    assert graph.value(uid, ODRL2.assignee) == URIRef("urn:kouan:institution:gd:pearl-river-bank")
    assert graph.value(uid, URIRef(f"{DPV}hasLegalBasis")) == URIRef(f"{DPV}Contract")
    permission, prohibition = graph.value(uid, ODRL2.permission), graph.value(uid, ODRL2.prohibition)
    assert graph.value(permission, ODRL2.action) == ODRL2.use
    assert graph.value(prohibition, ODRL2.action) == ODRL2.distribute
    assert set(graph.objects(permission, ODRL2.target)) == {
        URIRef("urn:kouan:element:person.credit"),
        URIRef("urn:kouan:element:person.name"),
    }
    said = {
        (graph.value(each, ODRL2.leftOperand), graph.value(each, ODRL2.operator)): graph.value(
            each, ODRL2.rightOperand
        )
        for each in graph.objects(permission, ODRL2.constraint)
    }
    assert said[ODRL2.purpose, ODRL2.isAnyOf] == URIRef(f"{DPV}CreditChecking")
    assert said[ODRL2["count"], ODRL2.lteq] == Literal("1000", datatype=XSD.integer)
    assert said[ODRL2.dateTime, ODRL2.gteq] == Literal("2026-09-01T00:00:00+08:00", datatype=XSD.dateTime)
    assert said[ODRL2.dateTime, ODRL2.lteq] == Literal("2027-08-31T23:59:59+08:00", datatype=XSD.dateTime)
    duty = graph.value(permission, ODRL2.duty)
    assert graph.value(duty, ODRL2.action) == ODRL2.delete


def changes():
    def path(*steps):
        def change(policy, value):
            place = policy
            for step in steps[:-1]:
                place = place[step]
            place[steps[-1]] = value

        return change

    use = ("permission", 0)
    return {
        "another kind of policy": (path("type"), "Set", "type: literal_error"),
        "a profile of somebody else": (path("profile"), "urn:x", "profile: literal_error"),
        "an obligation": (path("obligation"), [], "obligation: extra_forbidden"),
        "an inheritance": (path("inheritFrom"), "urn:x", "inheritFrom: extra_forbidden"),
        "an action of somebody else": (path(*use, "action"), "sell", "permission.0.action: literal_error"),
        "an operand of somebody else": (
            path(*use, "constraint", 0, "leftOperand"), "payAmount",
            "permission.0.constraint.0.leftOperand: literal_error",
        ),
        "another operator": (path(*use, "constraint", 0, "operator"), "eq", "another form"),
        "a constraint less": (path(*use, "constraint"), [], "permission.0.constraint: too_short"),
        "a remedy": (path(*use, "remedy"), [], "permission.0.remedy: extra_forbidden"),
        "a part of a collection": (
            path(*use, "target"), {"source": "urn:x"}, "permission.0.target: list_type",
        ),
        "a kind of data that nobody knows": (
            path(*use, "target"), ["urn:kouan:element:person.soul"], "elements",
        ),
        "a duty to pay": (path(*use, "duty", 0, "action"), "compensate", "permission.0.duty.0.action"),
        "no duty to erase": (path(*use, "duty"), [], "permission.0: constraint, duty"),
        "a time of no calendar": (
            path(*use, "constraint", 1, "rightOperand", "@value"), "soon", "dateTime: rightOperand",
        ),
        "a part of a day": (
            path(*use, "constraint", 1, "rightOperand", "@value"), "2026-09-01T09:00:00+08:00",
            "another form",
        ),
        "another place than the importer's": (
            path(*use, "constraint", 3, "rightOperand", "@id"), "urn:kouan:place:mo", "another form",
        ),
        "a number of words": (
            path(*use, "constraint", 4, "rightOperand", "@value"), "a few", "count: rightOperand",
        ),
        "no word against handing it on": (path("prohibition"), [], "another form"),
        "words of another context": (path("@context"), {"use": "urn:sell"}, "another form"),
        "a number that is not the contract's": (path("uid"), "urn:kouan:contract:x:2", "uid"),
        "a party of no side": (path("assigner", "uid"), "urn:x", "assigner.uid: string_pattern_mismatch"),
    }  # fmt: skip


@pytest.mark.parametrize("name", changes())
def test_what_is_not_understood_is_refused_whole(name):
    change, value, detail = changes()[name]
    policy = deepcopy(written(terms()))
    change(policy, value)
    with pytest.raises(errors.PolicyNotUnderstood) as caught:
        read(policy)
    assert detail in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"type": 1, "type": 2}', b" " * (odrl.MAX + 1)],
    ids=["nothing", "a list", "half", "no text", "deep", "twice", "long"],
)
def test_other_bytes_are_refused(data):
    with pytest.raises(errors.PolicyNotUnderstood):
        odrl.to_terms(data)


def test_a_refusal_says_where_and_never_what():
    policy = written(terms())
    policy["assigner"]["uid"] = "secret-number"
    with pytest.raises(errors.PolicyNotUnderstood) as caught:
        read(policy)
    assert "secret-number" not in str(caught.value)


def test_a_consent_ends_when_it_was_withdrawn():
    given_at, withdrawn_at = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 9, 2, tzinfo=UTC)
    consent = DataConsent(
        subject="s" * 43, elements=sorted(VALUES), purposes=[PURPOSE], level=3, given_at=given_at,
        expires_at=datetime(2027, 9, 1, tzinfo=UTC), withdrawn_at=withdrawn_at,
    )  # fmt: skip
    policy = odrl.of_consent(consent, terms(), basis="dpv:Consent")
    graph = graph_of(policy)
    uid = URIRef(f"urn:kouan:consent:{consent.key}")
    assert graph.value(uid, ODRL2.assigner) == URIRef(f"urn:kouan:person:{'s' * 43}")
    permission = graph.value(uid, ODRL2.permission)
    ends = [
        graph.value(each, ODRL2.rightOperand)
        for each in graph.objects(permission, ODRL2.constraint)
        if graph.value(each, ODRL2.operator) == ODRL2.lteq
    ]
    assert ends == [Literal("2026-09-02T00:00:00+00:00", datatype=XSD.dateTime)]
