"""Documents signed with keys in a PKCS#11 token, against SoftHSM2 itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import softhsm
from apps.signing.making.test_forms import cms_of, status_of
from kouan.apps.signing.making import keys, pdf
from kouan.apps.signing.making.errors import SignerUnusable
from kouan.sections.signers import SignerSettings
from softhsm import MODULE, PIN

pytestmark = softhsm.marks


@pytest.fixture(scope="module")
def token(signers):
    """A token with the RSA and the P-256 key in it."""
    home = softhsm.home()
    for number, name in enumerate(("rsa", "p256"), start=1):
        file = home / f"{name}.pem"
        file.write_bytes(signers[name].key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        softhsm.run("--import", str(file), "--token", "office", "--label", name, "--id", f"0{number}")
    yield "office"
    keys._tokens.clear()


@pytest.fixture
def in_token(token, signers):
    def given(name, **changed):
        settings = SignerSettings(
            name,
            "token",
            key=name,
            certificates=signers[name].settings.certificates,
            module=MODULE,
            label=token,
            secrets={"pin": PIN},
        )
        return replace(settings, **changed)

    return given


@pytest.mark.parametrize("name", ["rsa", "p256"])
def test_a_pdf_is_signed_in_the_token(in_token, signers, paper, name):
    data = pdf.sign(paper, keys.opened(in_token(name)))
    assert status_of(data, signers[name].certificates[-1]).bottom_line
    assert cms_of(keys.opened(in_token(name)), b"content")


def test_another_key_under_the_label_is_found_out(in_token, signers, paper):
    mixed = in_token("rsa", key="p256")
    with pytest.raises(SignerUnusable, match="does not verify"):
        pdf.sign(paper, keys.opened(mixed))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"key": "nobody"}, "NoSuchKey"),
        ({"secrets": {}}, "no PIN"),
        ({"label": "elsewhere"}, "NoSuchToken"),
    ],
)
def test_what_is_wrong_with_a_token_is_said(in_token, paper, changed, told):
    with pytest.raises(Exception, match=told) as refused:
        pdf.sign(paper, keys.opened(in_token("rsa", **changed)))
    assert PIN not in str(refused.value)
