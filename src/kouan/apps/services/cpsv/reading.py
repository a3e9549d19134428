"""Reading a catalogue: services of ours come back whole, others as the beginning of a folder.

What others publish as CPSV-AP says nothing of a form, of states or of what evidence proves; so a department
gets a folder that holds what is known, and ``kouan services check`` names what is still missing.
"""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rdflib import Graph
from rdflib import Literal as Value
from rdflib.namespace import DCAT, DCTERMS, RDF, SKOS

from kouan.apps.services.catalogue.errors import UnreadableCatalogue
from kouan.apps.services.cpsv.names import CPSV, CURRENCY, CV, KOUAN, TAGS
from kouan.apps.services.definition.model import BadDefinition, parse
from kouan.apps.services.definition.writing import source_from, source_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rdflib.term import Node

    from kouan.apps.services.cpsv.writing import Format
    from kouan.apps.services.definition.reading import Source

MAX_FILE: Final = 64 << 20
_NO_CODE: Final = re.compile(r"[^a-z0-9]+")
_CATEGORY: Final = "urn:kouan:category:"
_BASE: Final = "urn:kouan:imported"
_QUESTION: Final = {
    "en": "What do you apply for?",
    "zh_hant": "你申請甚麼？",
    "zh_hans": "您申请什么？",
}


@dataclass(frozen=True, slots=True)
class Found:
    """One service of a catalogue."""

    name: str
    """What its folder is called: ``hk/library-card``, or what can be made of its identifier."""
    whole: bool
    source: Source


def read(data: bytes, *, form: Format) -> list[Found]:
    """Return the services of a catalogue; raises ``UnreadableCatalogue``."""
    if len(data) > MAX_FILE:
        raise UnreadableCatalogue(detail=f"it is larger than {MAX_FILE >> 20} MB")
    if form == "json-ld":
        _refuse_foreign_contexts(data)
    graph = Graph(bind_namespaces="none")
    try:
        with warnings.catch_warnings():
            # The library's reader of JSON-LD uses what the library itself has deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            graph.parse(data=data, format=form, publicID=_BASE)
    except Exception as error:  # noqa: BLE001 - the library's parsers raise whatever they meet
        raise UnreadableCatalogue(detail=f"{type(error).__name__}: {str(error)[:120]}") from None
    services = sorted(set(graph.subjects(RDF.type, CPSV.PublicService)), key=str)
    if not services:
        raise UnreadableCatalogue(detail="it holds no cpsv:PublicService")
    return [_found(graph, service) for service in services]


def _refuse_foreign_contexts(data: bytes) -> None:
    """Raise ``UnreadableCatalogue`` where reading would fetch something: nothing is looked up elsewhere."""
    try:
        value = json.loads(data)
        for name, each in _members(value):
            contexts = each if isinstance(each, list) else [each]
            if name == "@import" or (name == "@context" and any(isinstance(one, str) for one in contexts)):
                raise UnreadableCatalogue(detail="its @context is elsewhere; write it into the file")
    except (ValueError, RecursionError):
        raise UnreadableCatalogue(detail="it is no JSON") from None


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield name, each
            yield from _members(each)
    elif isinstance(value, list):
        for each in value:
            yield from _members(each)


def _found(graph: Graph, service: Node) -> Found:
    told = graph.value(service, KOUAN.definition)
    if told is not None:
        try:
            definition = parse(json.loads(str(told)))
        except (ValueError, RecursionError) as error:
            why = str(error) if isinstance(error, BadDefinition) else "no JSON"
            raise UnreadableCatalogue(detail=f"{service}: {why}"[:200]) from None
        return Found(f"{definition.side}/{definition.service}", whole=True, source=source_of(definition))
    value = _begun(graph, service)
    question = {"type": "string", "format": "textarea", "x-title": _QUESTION, "x-element": "person.statement"}
    form = {"type": "object", "properties": {"request": question}, "required": ["request"]}
    return Found(value["service"], whole=False, source=source_from(value, form))


def _begun(graph: Graph, service: Node) -> dict[str, Any]:
    """Return what can be said of a service that somebody else described."""
    identifier = str(graph.value(service, DCTERMS.identifier) or service)
    code = _NO_CODE.sub("-", identifier.lower().rsplit("/", 1)[-1]).strip("-") or "service"
    value: dict[str, Any] = {"service": code if code[0].isalpha() else f"s-{code}"}
    value |= {
        "title": _text(graph, service, DCTERMS.title),
        "summary": _text(graph, service, DCTERMS.description),
    }
    rule = graph.value(service, CPSV.follows)
    value["who"] = _text(graph, rule, DCTERMS.description)
    output = graph.value(service, CPSV.produces)
    value["ends"] = _text(graph, output, DCTERMS.description) or _text(graph, output, DCTERMS.title)
    value["legal"] = _text(graph, graph.value(service, CV.hasLegalResource), DCTERMS.title)
    value["aliases"] = sorted({str(word)[:200] for word in graph.objects(service, DCAT.keyword)})[:40]
    area = str(graph.value(service, CV.thematicArea) or "")
    value["category"] = area.removeprefix(_CATEGORY) if area.startswith(_CATEGORY) else None
    authority = graph.value(service, CV.hasCompetentAuthority)
    if authority is not None:
        name = _text(graph, authority, SKOS.prefLabel) or _text(graph, authority, DCTERMS.title)
        value["department"] = {
            "code": str(graph.value(authority, DCTERMS.identifier) or ""),
            "name": name or {},
        }
    cost = graph.value(service, CV.hasCost)
    if cost is not None:
        currency = str(graph.value(cost, CV.currency) or "").removeprefix(str(CURRENCY))
        value["fee"] = {"amount": str(graph.value(cost, CV.value) or ""), "currency": currency}
    return {key: each for key, each in value.items() if each}


def _text(graph: Graph, about: Node | None, what: Any) -> dict[str, str] | None:
    """Return a text in the scripts in which it is there; ``zh`` alone is taken for the simplified one."""
    if about is None:
        return None
    said = {
        (each.language or "en").lower(): str(each)[:4000]
        for each in graph.objects(about, what)
        if isinstance(each, Value)
    }
    found = {}
    for script, tag in TAGS.items():
        tags = [tag.lower(), *([f"{tag.lower()}-hk", "zh-hk", "zh-tw"] if script == "zh_hant" else [])]
        tags += [f"{tag.lower()}-cn", "zh-cn", "zh"] if script == "zh_hans" else []
        text = next((said[each] for each in tags if each in said), None)
        if text:
            found[script] = text
    return found or None
