"""The tables ``[[signer]]``, and the command that signs with one of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from asn1crypto import cms as asn1_cms
from click.testing import CliRunner

from apps.signing.making.test_forms import status_of
from kouan.apps.signing.commands import signing
from kouan.apps.signing.models import OfficeSignature
from kouan.sections.signers import SignerSettings, signer_for
from kouan.sections.signing import SigningSettings

FILE = {"name": "seal", "kind": "file", "key": "seal.key", "certificates": "seal.pem"}
REMOTE = {
    "name": "far",
    "kind": "remote",
    "url": "https://sign.example/",
    "credential": "c",
    "token_env": "FAR",
}


def read(*tables, environment=None, home):
    return SignerSettings.read_all(tables, environment or {}, home=home)


def test_paths_are_relative_and_secrets_are_from_the_environment(tmp_path):
    seal, far = read(FILE, REMOTE, environment={"FAR": "t0ken"}, home=tmp_path)
    assert (seal.key, seal.certificates) == (str(tmp_path / "seal.key"), tmp_path / "seal.pem")
    assert (far.url, far.secrets["token"]) == ("https://sign.example", "t0ken")
    assert "t0ken" not in repr(far)
    (pinned,) = read(REMOTE | {"certificate_sha256": ":".join(["AB"] * 32)}, home=tmp_path)
    assert pinned.certificate_sha256 == "ab" * 32


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ([FILE | {"name": "A seal"}], "signer.name"),
        ([FILE | {"kind": "wax"}], "must be one of file, token, remote"),
        ([{"name": "seal", "kind": "file", "key": "k"}], "`certificates` is missing"),
        ([FILE | {"url": "https://x"}], "`url` is not for the kind"),
        ([REMOTE | {"token_env": "not a variable"}], "must name an environment variable"),
        ([FILE, FILE], "two signers are called `seal`"),
        (
            [FILE | {"departments": ["*"]}, REMOTE | {"departments": ["*"]}],
            "two signers sign for the department",
        ),
        ([REMOTE | {"certificate_sha256": "ab:cd"}], "64 hex digits"),
        ([FILE | {"departments": ["Fire Services"]}], "`departments` must list"),
        (
            [FILE | {"kind": "token", "module": "lib.so", "label": "l", "pin_env": "PIN"}],
            "whole path",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path, tables, told):
    with pytest.raises(ValueError, match=told):
        read(*tables, home=tmp_path)


@pytest.mark.django_db
def test_the_command_signs_a_pdf_inside_and_anything_else_beside(node, signers, paper, tmp_path):
    source, out, runner = tmp_path / "a.pdf", tmp_path / "signed", CliRunner()
    source.write_bytes(paper)
    told = runner.invoke(signing, ["sign", str(source), "--signer", "rsa", "--out", str(out)])
    assert told.exit_code == 0, told.output
    assert "Office of Tests" in told.output
    assert status_of(out.read_bytes(), signers["rsa"].certificates[-1]).bottom_line
    runner.invoke(signing, ["sign", str(source), "--signer", "sm2", "--out", str(out)])
    assert asn1_cms.ContentInfo.load(out.read_bytes())["content_type"].native == "gm_signed_data"
    assert bytes(OfficeSignature.objects.latest("pk").sha256) == hashlib.sha256(out.read_bytes()).digest()
    out.unlink()
    for arguments, said in (
        (["--signer", "nobody"], "No signer is called nobody"),
        (["--signer", "rsa", "--level", "T"], "time-stamping authority"),
    ):
        refused = runner.invoke(signing, ["sign", str(source), "--out", str(out), *arguments])
        assert refused.exit_code == 1
        assert said in refused.output
        assert not out.exists()
    assert OfficeSignature.objects.filter(by__startswith="command:").count() == 2


def test_the_settings_stand_in_the_node_s_own(node, settings):
    settings.NODE = replace(settings.NODE, signers=())
    told = CliRunner().invoke(signing, ["sign", __file__, "--signer", "rsa", "--out", "/nowhere/x"])
    assert "No signer is called rsa" in told.output


def test_departments_are_signed_for_by_one_signer_each(tmp_path):
    fire, rest = read(
        FILE | {"name": "fire", "departments": ["fire-services"]},
        FILE | {"departments": ["*"]},
        home=tmp_path,
    )
    assert signer_for((fire, rest), "fire-services") is fire
    assert signer_for((fire, rest), "transport") is rest
    assert signer_for((fire,), "transport") is None


def test_where_the_publisher_of_the_list_is_reached_is_whole_or_not_there():
    contact = {
        "street": "1 Harbour Road", "locality": "Hong Kong", "country": "HK",
        "email": "lists@example.org", "website": "https://lists.example",
    }  # fmt: skip
    assert SigningSettings.read({"publisher": contact}).publisher == contact
    assert SigningSettings.read({"sm2": True}).publisher == {}
    for wrong, told in (
        ({"street_zh": "海港道1號"}, "`signing.publisher.locality_zh` is missing"),
        ({"country": "Hong Kong"}, "`signing.publisher.country` is not in its form"),
        ({"website": "javascript:alert(1)"}, "`signing.publisher.website` is not in its form"),
        ({"email": ""}, "`signing.publisher.email` must be"),
        ({"phone": "1"}, "`signing.publisher.phone` is unknown"),
    ):
        with pytest.raises(ValueError, match=told):
            SigningSettings.read({"publisher": contact | wrong})
    with pytest.raises(ValueError, match=r"signing.publisher.locality` is missing"):
        SigningSettings.read({"publisher": {"street": "1 Harbour Road"}})
