"""Writing the catalogue: each service as a ``cpsv:PublicService``, in JSON-LD or Turtle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from rdflib import BNode, Graph, URIRef
from rdflib import Literal as Value
from rdflib.namespace import DCAT, DCTERMS, OWL, RDF, SKOS, XSD

from kouan.apps.services import labels
from kouan.apps.services.cpsv.names import (
    ADMS,
    CPSV,
    CURRENCY,
    CV,
    ELI,
    KOUAN,
    PREFIXES,
    SERVICE,
    SIDE,
    TAGS,
)
from kouan.core.sides import UnknownSideError, get_side
from kouan.core.text import LANGUAGES, Localised

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.utils.functional import _StrOrPromise
    from rdflib.term import Node

    from kouan.apps.services.definition.model import Definition

Format = Literal["json-ld", "turtle"]
MEDIA: Final = {"json-ld": "application/ld+json", "turtle": "text/turtle"}
_DAY_OF_WORK: Final = 7 / 5
"""Working days as days of a duration (XSD has no working days); rounded up."""


def catalogue(definitions: Iterable[Definition], *, form: Format) -> bytes:
    """Return services as a catalogue."""
    graph = graph_of(definitions)
    if form == "turtle":
        return graph.serialize(format="turtle", encoding="utf-8")
    context = {prefix: str(name) for prefix, name in PREFIXES.items()}
    return graph.serialize(format="json-ld", encoding="utf-8", context=context, auto_compact=True)


def graph_of(definitions: Iterable[Definition]) -> Graph:
    """Return services as a graph."""
    graph = Graph(bind_namespaces="none")
    for prefix, name in PREFIXES.items():
        graph.bind(prefix, name)
    for definition in definitions:
        _service(graph, definition)
    return graph


def _service(graph: Graph, definition: Definition) -> None:
    it = SERVICE[f"{definition.side}:{definition.service}"]
    graph.add((it, RDF.type, CPSV.PublicService))
    graph.add((it, DCTERMS.identifier, Value(f"{definition.side}/{definition.service}")))
    graph.add((it, OWL.versionInfo, Value(str(definition.version))))
    graph.add((it, ADMS.status, URIRef("http://purl.org/adms/status/Completed")))
    _say(graph, it, DCTERMS.title, definition.title.text)
    _say(graph, it, DCTERMS.description, definition.summary.text)
    for alias in definition.aliases:
        graph.add((it, DCAT.keyword, Value(alias)))
    side = _side(graph, definition.side)
    graph.add((it, DCTERMS.spatial, side))
    _authority(graph, it, definition, side)
    graph.add((it, CV.thematicArea, _concept(graph, "category", definition.category, _category(definition))))
    for audience in definition.audiences:
        words = _words(labels.AUDIENCES[audience])
        graph.add((it, DCTERMS.audience, _concept(graph, "audience", audience, words)))
    for event in definition.events:
        concept = _concept(graph, "life-event", event, _words(labels.EVENTS[event]))
        graph.add((concept, RDF.type, CV.LifeEvent))
        graph.add((it, CV.isGroupedBy, concept))
    _terms(graph, it, definition)
    _inputs_and_outputs(graph, it, definition)
    graph.add((it, KOUAN.definition, Value(definition.canonical().decode())))
    if definition.demonstration:
        graph.add((it, KOUAN.demonstration, Value(True)))  # noqa: FBT003 - a value of the graph


def _authority(graph: Graph, it: Node, definition: Definition, side: Node) -> None:
    department = definition.department
    authority = URIRef(f"urn:kouan:department:{definition.side}:{department.code}")
    graph.add((it, CV.hasCompetentAuthority, authority))
    graph.add((authority, RDF.type, CV.PublicOrganisation))
    graph.add((authority, DCTERMS.identifier, Value(department.code)))
    graph.add((authority, DCTERMS.spatial, side))
    _say(graph, authority, SKOS.prefLabel, department.name.text)


def _terms(graph: Graph, it: Node, definition: Definition) -> None:
    """Say what it costs, how long it takes, and on what law it rests."""
    days = definition.time_limit.working_days
    graph.add((it, CV.processingTime, Value(f"P{-int(-days * _DAY_OF_WORK // 1)}D", datatype=XSD.duration)))
    graph.add((it, KOUAN.workingDays, Value(days)))
    if definition.fee is not None:
        cost = BNode()
        graph.add((it, CV.hasCost, cost))
        graph.add((cost, RDF.type, CV.Cost))
        graph.add((cost, CV.value, Value(definition.fee.value)))
        graph.add((cost, CV.currency, CURRENCY[definition.fee.currency]))
    law = BNode()
    graph.add((it, CV.hasLegalResource, law))
    graph.add((law, RDF.type, ELI.LegalResource))
    _say(graph, law, DCTERMS.title, definition.legal.text)


def _inputs_and_outputs(graph: Graph, it: Node, definition: Definition) -> None:
    """Say what must be shown and what comes of it; who it is for is a rule that it follows."""
    for need in definition.needs:
        requirement = URIRef(f"urn:kouan:requirement:{need.requirement}")
        graph.add((it, CV.holdsRequirement, requirement))
        graph.add((requirement, RDF.type, CV.Requirement))
        graph.add((requirement, DCTERMS.identifier, Value(need.requirement)))
        _say(graph, requirement, DCTERMS.title, need.title.text)
    rule = BNode()
    graph.add((it, CPSV.follows, rule))
    graph.add((rule, RDF.type, CPSV.Rule))
    _say(graph, rule, DCTERMS.description, definition.who.text)
    output = SERVICE[f"{definition.side}:{definition.service}:{definition.result.kind}"]
    graph.add((it, CPSV.produces, output))
    graph.add((output, RDF.type, CV.Output))
    graph.add((output, DCTERMS.identifier, Value(definition.result.kind)))
    _say(graph, output, DCTERMS.title, definition.result.title.text)
    _say(graph, output, DCTERMS.description, definition.ends.text)


def _say(graph: Graph, about: Node, what: URIRef, text: Localised) -> None:
    for script, tag in TAGS.items():
        graph.add((about, what, Value(getattr(text, script), lang=tag)))


def _side(graph: Graph, code: str) -> URIRef:
    place = SIDE[code]
    graph.add((place, RDF.type, DCTERMS.Location))
    try:
        _say(graph, place, SKOS.prefLabel, get_side(code).name)
    except UnknownSideError:
        graph.add((place, SKOS.prefLabel, Value(code)))
    return place


def _concept(graph: Graph, scheme: str, code: str, words: Localised) -> URIRef:
    concept = URIRef(f"urn:kouan:{scheme}:{code}")
    graph.add((concept, RDF.type, SKOS.Concept))
    graph.add((concept, SKOS.notation, Value(code)))
    _say(graph, concept, SKOS.prefLabel, words)
    return concept


def _category(definition: Definition) -> Localised:
    return _words(labels.CATEGORIES[definition.category].title)


def _words(text: _StrOrPromise) -> Localised:
    said = dict(zip(LANGUAGES, labels.in_all_scripts(text), strict=True))
    return Localised.from_mapping(said, where="labels")
