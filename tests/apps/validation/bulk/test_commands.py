from __future__ import annotations

import csv
import json

import pytest
from click.testing import CliRunner

from kouan.apps.validation import services
from kouan.apps.validation.commands import institution
from kouan.apps.validation.models import RegisteredDocument

pytestmark = pytest.mark.django_db


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(institution, [str(item) for item in arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


@pytest.mark.parametrize("algorithm", ["sha-256", "sm3"])
def test_files_are_marked_without_a_node_then_registered_and_found_genuine(
    tmp_path, university, pdf, algorithm
):
    (tmp_path / "a.pdf").write_bytes(pdf)
    (tmp_path / "b.json").write_text(json.dumps({"grade": "A"}))
    out = tmp_path / "out"
    files = (tmp_path / "a.pdf", tmp_path / "b.json")
    options = ("--side", "hk", "--type", "academic-qualification", "--out", out, "--algorithm", algorithm)
    run("mark", university.code, *files, *options, "--expires-on", "2099-12-31")
    with (out / "rows.csv").open(newline="") as source:
        rows = list(csv.DictReader(source))
    assert [row["carried_as"] for row in rows] == ["pdf", "json"]
    assert "2 good rows" in run("register", university.code, out / "rows.csv")
    assert "2 no news" in run("register", university.code, out / "rows.csv")
    for row in rows:
        with (out / f"{row['reference']}.{row['carried_as']}").open("rb") as source:
            validation = services.validate_file(source=source)
        assert (validation.outcome, validation.algorithm) == ("match", algorithm)
        assert validation.expires_on.isoformat() == "2099-12-31"


def test_a_file_that_cannot_be_marked_is_named_and_the_others_are_marked(tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1, "a": 2}')
    (tmp_path / "b.txt").write_text("text")
    options = ("--side", "hk", "--type", "other", "--out", tmp_path / "out")
    said = run("mark", "bank", tmp_path / "a.json", tmp_path / "b.txt", *options, code=1)
    assert "$.a" in said
    assert len((tmp_path / "out" / "rows.csv").read_text().splitlines()) == 2


def test_bad_rows_are_printed_and_nothing_changes(tmp_path, university):
    path = tmp_path / "rows.csv"
    path.write_text("reference,type,fingerprint\nx,other,y\n")
    said = run("register", university.code, path, code=1)
    assert "Line 2, reference:" in said
    assert "changed nothing" in said
    assert "no institution" in run("register", "none", path, code=1)


def test_documents_are_taken_back_after_a_question(tmp_path, university, issue):
    document, _ = issue()
    path = tmp_path / "rows.csv"
    path.write_text(f"reference,reason\n{document.reference},fraud\n")
    run("revoke", university.code, path, code=1)  # nobody says yes
    assert RegisteredDocument.objects.get().revoked_on is None
    assert "1 good rows" in run("revoke", university.code, path, "--yes")
    assert RegisteredDocument.objects.get().revocation_reason == "fraud"
