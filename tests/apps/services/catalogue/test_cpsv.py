from __future__ import annotations

import json
import socket

import pytest
from rdflib import Graph, URIRef
from rdflib.namespace import DCTERMS, RDF

from apps.services.catalogue.conftest import STARTER, starter
from kouan.apps.services.catalogue.errors import UnreadableCatalogue
from kouan.apps.services.cpsv.names import CPSV, CV
from kouan.apps.services.cpsv.reading import read
from kouan.apps.services.cpsv.writing import catalogue
from kouan.apps.services.definition.checks import check
from kouan.apps.services.definition.reading import definition_of
from kouan.apps.services.definition.writing import source_of, to_folder
from kouan.apps.services.starter import folders

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
ALL = [starter(f"{side}/{folder.name}") for side in ("gd", "hk") for folder in folders(side)]
FOREIGN = """
@prefix cpsv: <http://purl.org/vocab/cpsv#> . @prefix cv: <http://data.europa.eu/m8g/> .
@prefix dct: <http://purl.org/dc/terms/> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
<https://example.org/services/7> a cpsv:PublicService ;
  dct:identifier "https://example.org/services/Dog-Licence" ;
  dct:title "Dog licence"@en , "狗牌"@zh-Hant-HK , "犬证"@zh ;
  dct:description "Have a dog"@en ;
  cv:hasCompetentAuthority [ dct:identifier "animals" ; skos:prefLabel "Animals"@en ] ;
  cv:hasCost [ cv:value 80.0 ; cv:currency <http://publications.europa.eu/resource/authority/currency/HKD> ] .
"""


@pytest.mark.parametrize("form", ["json-ld", "turtle"])
def test_what_goes_out_comes_back_whole(form):
    found = read(catalogue(ALL, form=form), form=form)
    assert len(found) == len(ALL)
    assert all(each.whole for each in found)
    back = {each.name: definition_of(each.source, version=1).digest() for each in found}
    assert back == {f"{each.side}/{each.service}": each.digest() for each in ALL}


@pytest.mark.parametrize("form", ["json-ld", "turtle"])
def test_a_reader_of_cpsv_ap_finds_its_terms(form):
    graph = Graph().parse(data=catalogue(ALL, form=form), format=form)
    services = set(graph.subjects(RDF.type, CPSV.PublicService))
    assert len(services) == len(ALL)
    for service in services:
        for term in (
            DCTERMS.identifier, DCTERMS.title, DCTERMS.description, CV.hasCompetentAuthority, CV.thematicArea,
            CV.processingTime, CV.hasLegalResource, CPSV.produces,
        ):  # fmt: skip
            assert (service, term, None) in graph
        assert {title.language for title in graph.objects(service, DCTERMS.title)} == {
            "en",
            "zh-Hant",
            "zh-Hans",
        }
    card = URIRef("urn:kouan:service:hk:library-card")
    cost = graph.value(card, CV.hasCost)
    assert graph.value(cost, CV.value).toPython() == 130


def test_both_forms_say_the_same():
    one, other = (
        Graph().parse(data=catalogue(ALL[:5], form=form), format=form) for form in ("json-ld", "turtle")
    )
    assert one.isomorphic(other)


def test_a_foreign_service_becomes_a_folder_whose_check_says_what_is_missing(tmp_path):
    (found,) = read(FOREIGN.encode(), form="turtle")
    assert (found.name, found.whole) == ("dog-licence", False)
    to_folder(found.source, tmp_path)
    tables = found.source.tables()
    assert tables["title"] == {"en": "Dog licence", "zh_hant": "狗牌", "zh_hans": "犬证"}
    assert tables["fee"] == {"amount": "80.0", "currency": "HKD"}
    said = " ".join(str(each) for each in check(tmp_path))
    for missing in ("side: it is missing", "who: it is missing", "summary.zh_hant", "result: it is missing"):
        assert missing in said


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b"", "turtle"),
        (b"<a> <b", "turtle"),
        (b"<urn:a> <urn:b> <urn:c> .", "turtle"),
        (b"\xff\xfe", "turtle"),
        (b"{", "json-ld"),
        (b"[" * 100_000, "json-ld"),
        (b"7", "json-ld"),
        (
            (
                b'{"@id": "urn:x", "@type": "http://purl.org/vocab/cpsv#PublicService",'
                b' "urn:kouan:vocabulary:definition": "{}"}'
            ),
            "json-ld",
        ),
    ],
)
def test_what_is_no_catalogue_is_refused(data, form):
    with pytest.raises(UnreadableCatalogue):
        read(data, form=form)


@pytest.mark.parametrize(
    "value",
    [
        {"@context": "http://127.0.0.1:9/c", "@id": "urn:x"},
        {"@context": [{"a": "urn:a"}, "http://127.0.0.1:9/c"]},
        {"@context": {"@import": "http://127.0.0.1:9/c"}},
        {"@graph": [{"@context": {"a": {"@id": "urn:a", "@context": "http://127.0.0.1:9/c"}}}]},
    ],
)
def test_reading_never_fetches_anything(value, monkeypatch):
    def connect(*_args):
        raise AssertionError("something was fetched")

    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(UnreadableCatalogue, match="elsewhere"):
        read(json.dumps(value).encode(), form="json-ld")


@pytest.mark.parametrize("definition", ALL, ids=lambda each: f"{each.side}/{each.service}")
def test_a_folder_that_is_written_is_read_as_the_same(definition):
    assert definition_of(source_of(definition), version=1) == definition


def test_what_is_awkward_in_toml_is_written_all_the_same():
    text = 'a "quoted" \\ back\tslash\n\nand 引號 \x7f'
    awkward = starter("hk/library-card", summary={"en": text, "zh_hant": text, "zh_hans": text})
    assert definition_of(source_of(awkward), version=1) == awkward


def test_the_starter_folders_are_where_the_program_looks():
    assert STARTER.is_dir()
