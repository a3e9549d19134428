from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from apps.services.catalogue.conftest import STARTER, starter
from kouan.apps.services.definition.checks import check as check_folder
from kouan.apps.services.models import ServiceVersion
from kouan.cli import main


@pytest.fixture
def run(node):
    return lambda *words: CliRunner().invoke(main, ["services", *map(str, words)])


def test_check_names_file_and_line_and_fails(run, folder):
    made = folder("hk/library-card", toml=[('side = "hk"', 'side = "xx"')])
    result = run("check", STARTER / "gd/reader-card", made)
    assert result.exit_code == 1
    assert result.output.splitlines() == [f"{made}/service.toml:1: side: no side is called xx"]
    (fault,) = json.loads(run("check", "--json", made).output)
    assert (fault["file"], fault["line"], fault["folder"]) == ("service.toml", 1, str(made))


def test_check_of_what_is_right_says_so(run):
    result = run("check", STARTER / "gd/reader-card", STARTER / "hk/library-card")
    assert (result.exit_code, result.output) == (0, "Nothing is wrong.\n")
    result = run("check", "--department", "transport", STARTER / "hk/library-card")
    assert result.exit_code == 1
    assert "no department of this side" in result.output


def test_publishing_listing_and_withdrawing(run):
    card = STARTER / "hk/library-card"
    assert run("publish", "--draft", card).output == "library-card\t1\tdraft\n"
    assert run("publish", card).output == "library-card\t1\tpublished\n"
    assert run("publish", card).output == "library-card\tpublished already\n"
    assert run("list").output == "hk\tlibrary-card\t1\tpublished\tCard for the public libraries\n"
    assert run("withdraw", "library-card").output == "library-card\t1\twithdrawn\n"
    assert run("list").output == ""
    assert "withdrawn" in run("list", "--all", "--side", "hk").output
    again = run("withdraw", "library-card")
    assert again.exit_code == 1
    assert "nothing to withdraw" in again.output


def test_what_cannot_be_published_ends_as_one_line(run, folder):
    made = folder("hk/library-card", toml=[('side = "hk"', 'side = "xx"')])
    result = run("publish", made)
    assert result.exit_code == 1
    assert result.output.startswith("Error: The service cannot be published: service.toml:1: side")
    foreign = run("publish", STARTER / "gd/reader-card")
    assert foreign.exit_code == 1
    assert "belongs to somebody else" in foreign.output
    assert not ServiceVersion.objects.exists()


@pytest.mark.parametrize("name", ["catalogue.ttl", "catalogue.jsonld"])
def test_a_catalogue_goes_out_to_a_file_and_comes_back_as_folders(run, kept, tmp_path, name):
    kept(starter("hk/library-card"), starter("gd/reader-card"))
    file = tmp_path / name
    form = "turtle" if name.endswith("ttl") else "json-ld"
    assert run("export", "--format", form, "--side", "hk", "--out", file).exit_code == 0
    result = run("import", file, "--to", tmp_path / "back")
    assert result.output == f"{tmp_path}/back/hk/library-card\twhole\n"
    assert check_folder(tmp_path / "back/hk/library-card") == []
    assert "reader-card" in run("export").output


def test_importing_what_is_no_catalogue_ends_as_one_line(run, tmp_path):
    file = tmp_path / "x.ttl"
    file.write_bytes(b"nothing")
    result = run("import", file, "--to", tmp_path / "back")
    assert result.exit_code == 1
    assert result.output.startswith("Error: The file is no CPSV-AP catalogue")
