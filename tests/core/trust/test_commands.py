from __future__ import annotations

import pytest
from click.testing import CliRunner

from kouan.core.trust import document, queries
from kouan.core.trust.commands import trust
from kouan.core.trust.member import MemberKeys

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("node")]


@pytest.fixture
def run():
    def invoke(*arguments):
        return CliRunner().invoke(trust, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture
def gd_file(keys_of, tmp_path):
    path = tmp_path / "gd.cose"
    path.write_bytes(keys_of("gd").document)
    return path


def test_export_writes_the_document_and_says_the_fingerprint(run, tmp_path):
    out = tmp_path / "hk.cose"
    result = run("export", "--out", out)
    assert result.exit_code == 0, result.output
    own = queries.own()
    assert out.read_bytes() == own.document
    assert document.grouped(own.fingerprint) in result.output
    assert run("export").stdout_bytes == own.document


def test_import_takes_a_document_after_its_fingerprint(run, gd_file):
    digits = MemberKeys.from_bytes(gd_file.read_bytes()).fingerprint
    refused = run("import", gd_file)
    assert (refused.exit_code, len(refused.stderr.splitlines())) == (1, 1)
    assert document.grouped(digits) in refused.stderr
    wrong = run("import", gd_file, "--fingerprint", "0" * 64)
    assert wrong.exit_code == 1
    assert "Do not trust this document" in wrong.stderr
    taken = run("import", gd_file, "--fingerprint", digits)
    assert (taken.exit_code, taken.output) == (0, "gd is trusted with its document 1.\n")
    assert queries.get_member("gd").fingerprint == digits


def test_import_of_something_else_is_one_line(run, tmp_path):
    for content in (b"", b"not a document", bytes(100_000)):
        (tmp_path / "file").write_bytes(content)
        result = run("import", tmp_path / "file", "--fingerprint", "0" * 64)
        assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
        assert result.stderr.startswith("Error: ")


def test_show_names_side_fingerprint_door_and_keys(run, gd_file):
    result = run("show", gd_file)
    assert result.exit_code == 0, result.output
    member = MemberKeys.from_bytes(gd_file.read_bytes())
    for text in ("gd", document.grouped(member.fingerprint), member.door_url, member.trust.digest):
        assert text in result.output
    for key in member.trust.content.keys:
        assert key.kid.hex() in result.output
        assert f"{key.since:%Y-%m-%d} – {key.until:%Y-%m-%d}" in result.output
    run("import", gd_file, "--fingerprint", member.fingerprint)
    everybody = run("show").output
    assert "hk.kouan/ledger" in everybody
    assert "gd.kouan/ledger" in everybody


def test_rotate_makes_a_successor(run):
    before = queries.own().public
    result = run("rotate", "sign", "--overlap-days", "0")
    assert result.exit_code == 0, result.output
    assert queries.own().public.serial == before.serial + 1
    assert run("rotate", "nothing").exit_code == 2


def test_unsafe_keys_are_one_line_with_the_command(run, node):
    node.keys.chmod(0o755)
    result = run("show")
    assert result.exit_code == 1
    assert f"Run: chmod 700 {node.keys}" in result.stderr
