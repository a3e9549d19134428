from __future__ import annotations

import io
import json

import jsonschema
import pytest
from click.testing import CliRunner
from pyhanko.pdf_utils.reader import PdfFileReader

from kouan.apps.validation.domain import DocumentType
from kouan.apps.validation.marks import CarriedAs, Mark, carry
from kouan.cli import main
from kouan.demo.papers import degree_certificate, papers


def test_there_is_a_paper_of_each_kind_of_document():
    assert {paper.type for paper in papers()} == set(DocumentType) - {DocumentType.OTHER}
    assert b"First Class" in degree_certificate()


@pytest.mark.parametrize("paper", papers(), ids=lambda paper: paper.name)
def test_a_paper_fits_its_schema_can_be_carried_and_says_what_it_is(paper):
    jsonschema.Draft202012Validator.check_schema(paper.schema)
    jsonschema.Draft202012Validator(paper.schema).validate(json.loads(paper.as_json()))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(paper.schema).validate(paper.document | {"demonstration": False})
    assert b"made up" in paper.as_pdf()
    assert len(PdfFileReader(io.BytesIO(paper.as_pdf())).root["/Pages"]["/Kids"]) == 1
    for data, form in [(paper.as_json(), CarriedAs.JSON), (paper.as_pdf(), CarriedAs.PDF)]:
        mark = Mark.new(side=paper.side, issuer="bank")
        assert carry(io.BytesIO(data), io.BytesIO(), mark, name="paper").carried_as is form


def test_an_unknown_scenario_is_named_before_anything_starts():
    for arguments in (["validation", "--scenario", "passport"], ["file", "--scenario", "all"]):
        result = CliRunner().invoke(main, ["demo", *arguments])
        assert result.exit_code == 1
        assert "kyc-report" in result.output
