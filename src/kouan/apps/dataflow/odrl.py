"""Contracts and consents as ODRL policies (W3C ODRL Information Model and Vocabulary 2.2), in JSON-LD.

A subset: one permission to use what crosses, with its purposes (W3C DPV), its place, its term and how many
persons, and with the duty to erase; and a permission or a prohibition to hand it on. What ODRL has no word
for stands in words of Kouan's own. A policy that comes in is taken whole or not at all: whatever is outside
the subset is ``PolicyNotUnderstood``, since a term that nobody here reads is one that nobody here keeps.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from kouan.apps.dataflow import errors
from kouan.apps.dataflow.domain import MAX_TERMS, SCHEMA, Terms
from kouan.apps.dataflow.odrl_shapes import POLICY
from kouan.core.policy.decide import TERM_ZONE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.apps.dataflow.models import DataConsent
    from kouan.apps.dataflow.odrl_shapes import Constraint, Permission, Policy, PolicyParty

MEDIA_TYPE: Final = "application/ld+json"
MAX: Final = 4 * MAX_TERMS
"""Bytes of a policy that comes in."""
PROFILE: Final = "urn:kouan:odrl-profile:1"
_ELEMENT: Final = "urn:kouan:element:"
_ODRL: Final = "http://www.w3.org/ns/odrl/2/"
_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
CONTEXT: Final[Mapping[str, Any]] = {
    # The words of ODRL's own context that are used here, so that nobody has to fetch it.
    "odrl": _ODRL,
    "xsd": _XSD,
    "dpv": "https://w3id.org/dpv#",
    "kouan": "urn:kouan:vocabulary:1#",
    "uid": "@id",
    "type": "@type",
    **{name: f"odrl:{name}" for name in ("Agreement", "Offer", "Party", "Permission", "Prohibition", "Duty")},
    **{
        name: {"@id": f"odrl:{name}", "@type": "@id"}
        for name in ("profile", "target", "assigner", "assignee", "permission", "prohibition", "obligation")
    },
    **{name: {"@id": f"odrl:{name}", "@type": "@id"} for name in ("duty", "constraint")},
    **{name: {"@id": f"odrl:{name}", "@type": "@vocab"} for name in ("action", "leftOperand", "operator")},
    **{name: f"odrl:{name}" for name in ("use", "delete", "distribute")},
    **{
        name: f"odrl:{name}"
        for name in ("purpose", "spatial", "dateTime", "count", "elapsedTime", "recipient")
    },
    **{name: f"odrl:{name}" for name in ("eq", "lteq", "gteq", "isAnyOf")},
    "rightOperand": {"@id": "odrl:rightOperand"},
    "legalBasis": {"@id": "dpv:hasLegalBasis", "@type": "@id"},
    "names": "kouan:name",
    **{
        name: f"kouan:{name}"
        for name in (
            "registration", "place", "terms", "en", "zh_hant", "zh_hans", "version", "replaces", "basis",
            "assessment", "digest", "made_on", "ground", "instrument", "number", "issued_on", "valid_until",
            "consent", "level",
        )
    },
}  # fmt: skip


def of_terms(terms: Terms, *, agreed: bool, basis: str = "dpv:Contract") -> dict[str, Any]:
    """Return terms as an ODRL Agreement, or as an Offer while not both sides have signed.

    ``basis`` is the legal basis in the words of DPV.
    """
    target = [f"{_ELEMENT}{each}" for each in terms.elements]
    use = {
        "type": "Permission",
        "target": target,
        "action": "use",
        "constraint": [
            _constraint("purpose", "isAnyOf", _ids(terms.purposes)),
            _constraint("dateTime", "gteq", _typed(_begin(terms.first_day), "dateTime")),
            _constraint("dateTime", "lteq", _typed(_end(terms.last_day), "dateTime")),
            _constraint("spatial", "eq", _ids([_place(terms.importer.place)])[0]),
            _constraint("count", "lteq", _typed(str(terms.persons), "integer")),
        ],
        "duty": [
            {
                "type": "Duty",
                "action": "delete",
                "constraint": [
                    _constraint("elapsedTime", "lteq", _typed(f"P{terms.retention_days}D", "dayTimeDuration"))
                ],
            }
        ],
    }
    policy: dict[str, Any] = {
        "@context": dict(CONTEXT),
        "type": "Agreement" if agreed else "Offer",
        "uid": f"urn:kouan:contract:{terms.contract}:{terms.version}",
        "profile": PROFILE,
        "legalBasis": basis,
        "assigner": _party(terms.exporter),
        "assignee": _party(terms.importer),
        "permission": [use],
        "terms": {
            "version": terms.version,
            "replaces": terms.replaces,
            "basis": terms.basis,
            "assessment": terms.assessment.model_dump(),
            **({} if terms.ground is None else {"ground": terms.ground.model_dump()}),
        },
    }
    if not terms.onward:
        policy["prohibition"] = [{"type": "Prohibition", "target": target, "action": "distribute"}]
    for other in terms.onward:
        recipient = [
            _constraint("recipient", "eq", other.name),
            _constraint("spatial", "eq", _ids([_place(other.place)])[0]),
        ]
        policy["permission"].append(
            {"type": "Permission", "target": target, "action": "distribute", "constraint": recipient}
        )
    return policy


def of_consent(consent: DataConsent, terms: Terms, *, basis: str) -> dict[str, Any]:
    """Return a person's consent, or the notice to them, as an ODRL Agreement between them and the importer.

    The person stands in it as the importer knows them.
    """
    last = min([consent.expires_at, *([consent.withdrawn_at] if consent.withdrawn_at else [])])
    return {
        "@context": dict(CONTEXT),
        "type": "Agreement",
        "uid": f"urn:kouan:consent:{consent.key}",
        "profile": PROFILE,
        "legalBasis": basis,
        "assigner": {"type": "Party", "uid": f"urn:kouan:person:{consent.subject}"},
        "assignee": _party(terms.importer),
        "permission": [
            {
                "type": "Permission",
                "target": [f"{_ELEMENT}{each}" for each in consent.elements],
                "action": "use",
                "constraint": [
                    _constraint("purpose", "isAnyOf", _ids(consent.purposes)),
                    _constraint("dateTime", "gteq", _typed(consent.given_at.isoformat(), "dateTime")),
                    _constraint("dateTime", "lteq", _typed(last.isoformat(), "dateTime")),
                ],
            }
        ],
        "prohibition": [],
        "terms": {"consent": str(consent.key), "basis": terms.basis, "level": consent.level},
    }


def to_terms(data: bytes) -> Terms:
    """Return the terms that a policy says; raises ``PolicyNotUnderstood`` with the place, never the value.

    An Agreement is read as an Offer is: what binds here is what both sides sign here.
    """
    if len(data) > MAX:
        raise errors.PolicyNotUnderstood(detail=f"more than {MAX} bytes")
    try:
        policy = POLICY.validate_python(json.loads(data, object_pairs_hook=_once))
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        places = [f"{'.'.join(str(part)[:40] for part in each['loc'])}: {each['type']}" for each in found[:5]]
        raise errors.PolicyNotUnderstood(detail="; ".join(places)) from None
    except (ValueError, RecursionError):
        raise errors.PolicyNotUnderstood(detail="JSON") from None
    value = _terms(policy)
    try:
        terms = Terms.model_validate_json(json.dumps(value))
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        places = sorted({".".join(str(part)[:40] for part in each["loc"]) for each in found})
        raise errors.PolicyNotUnderstood(detail=", ".join(places[:5])) from None
    # Whatever was said twice, in another order or in another unit comes out otherwise: then it was not read.
    again = of_terms(terms, agreed=policy.type == "Agreement", basis=policy.legal_basis)
    if json.loads(json.dumps(again)) != json.loads(data):
        raise errors.PolicyNotUnderstood(detail="another form than this node writes")
    return terms


def _terms(policy: Policy) -> dict[str, Any]:
    prefix, _colon, rest = policy.uid.partition("urn:kouan:contract:")
    number, _colon, version = rest.rpartition(":")
    if prefix or version != str(policy.terms.version):
        raise errors.PolicyNotUnderstood(detail="uid")
    use, *onward = policy.permission
    if use.action != "use" or any(each.action != "distribute" for each in onward):
        raise errors.PolicyNotUnderstood(detail="permission: action")
    if len(use.constraint) != 5 or len(use.duty) != 1 or len(use.duty[0].constraint) != 1:  # noqa: PLR2004 - as ``of_terms``
        raise errors.PolicyNotUnderstood(detail="permission.0: constraint, duty")
    purposes, first, last, _where, persons = use.constraint
    return {
        "schema": SCHEMA,
        "contract": number,
        "version": policy.terms.version,
        "replaces": policy.terms.replaces,
        "basis": policy.terms.basis,
        "exporter": _party_of(policy.assigner),
        "importer": _party_of(policy.assignee),
        "purposes": purposes.ids(),
        "elements": [each.removeprefix(_ELEMENT) for each in use.target],
        "persons": persons.number(),
        "retention_days": use.duty[0].constraint[0].days(),
        "onward": [_onward(each) for each in onward],
        "assessment": policy.terms.assessment.model_dump(),
        "effective": first.day(),
        "expires": last.day(),
        **({} if policy.terms.ground is None else {"ground": policy.terms.ground.model_dump()}),
    }


def _onward(permission: Permission) -> dict[str, str]:
    if len(permission.constraint) != 2:  # noqa: PLR2004 - who, and where
        raise errors.PolicyNotUnderstood(detail="permission: constraint")
    recipient, spatial = permission.constraint
    return {"name": _text(recipient), "place": _place_of(spatial.ids()[0])}


def _text(constraint: Constraint) -> str:
    if not isinstance(constraint.right_operand, str):
        raise errors.PolicyNotUnderstood(detail=f"{constraint.left_operand}: rightOperand")
    return constraint.right_operand


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member twice")
    return found


def _constraint(left: str, operator: str, right: object) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _ids(values: list[str]) -> list[dict[str, str]]:
    return [{"@id": each} for each in values]


def _typed(value: str, kind: str) -> dict[str, str]:
    return {"@value": value, "@type": f"xsd:{kind}"}


def _begin(day: date) -> str:
    return datetime(day.year, day.month, day.day, tzinfo=TERM_ZONE).isoformat()


def _end(day: date) -> str:
    after = datetime(day.year, day.month, day.day, tzinfo=TERM_ZONE) + timedelta(days=1)
    return (after - timedelta(seconds=1)).isoformat()


def _place(place: str) -> str:
    return f"urn:kouan:place:{place}"


def _place_of(uid: str) -> str:
    return uid.removeprefix("urn:kouan:place:")


def _party(party: Any) -> dict[str, Any]:
    return {
        "type": "Party",
        "uid": f"urn:kouan:institution:{party.side}:{party.code}",
        "names": party.name.model_dump(),
        "registration": party.registration,
        "place": party.place,
    }


def _party_of(party: PolicyParty) -> dict[str, Any]:
    return {
        "code": party.uid.rpartition(":")[2],
        "name": party.names.model_dump(),
        "registration": party.registration,
        "place": party.place,
    }
