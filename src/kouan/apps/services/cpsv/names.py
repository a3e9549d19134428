"""The names of CPSV-AP 3, and of what it has no name for."""

from __future__ import annotations

from typing import Final

from rdflib import Namespace
from rdflib.namespace import DCAT, DCTERMS, OWL, RDF, SKOS, XSD

ADMS: Final = Namespace("http://www.w3.org/ns/adms#")
CPSV: Final = Namespace("http://purl.org/vocab/cpsv#")
CV: Final = Namespace("http://data.europa.eu/m8g/")
ELI: Final = Namespace("http://data.europa.eu/eli/ontology#")
CURRENCY: Final = Namespace("http://publications.europa.eu/resource/authority/currency/")
KOUAN: Final = Namespace("urn:kouan:vocabulary:")
"""``definition`` is a service whole, as canonical JSON; ``workingDays`` what no duration says."""
SERVICE: Final = Namespace("urn:kouan:service:")
SIDE: Final = Namespace("urn:kouan:side:")

PREFIXES: Final = {
    "adms": ADMS,
    "cpsv": CPSV,
    "cv": CV,
    "dcat": DCAT,
    "dct": DCTERMS,
    "eli": ELI,
    "kouan": KOUAN,
    "owl": OWL,
    "rdf": RDF,
    "skos": SKOS,
    "xsd": XSD,
}
TAGS: Final = {"en": "en", "zh_hant": "zh-Hant", "zh_hans": "zh-Hans"}
"""Our scripts as language tags (BCP 47)."""
