from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kouan.apps.staff.models import Department, Post, PostChange
from kouan.node.accounts import user

pytestmark = pytest.mark.django_db


def run(*words):
    done = CliRunner().invoke(user, words)
    assert done.exception is None, done.output
    return done.output


def test_departments_and_posts_on_the_command_line(officer):
    run("department", "add", "works", "--en", "Works", "--zh-hant", "工務", "--zh-hans", "工务")
    assert Department.objects.get().code == "works"
    run("post", "grant", "officer", "works", "registrar")
    assert run("department", "list") == "works\t1\tWorks\n"
    assert run("post", "list").startswith("officer\tworks\tregistrar\t20")
    run("post", "withdraw", "officer", "works", "registrar")
    assert not Post.objects.exists()
    assert {change.by for change in PostChange.objects.all()} == {"kouan user"}


@pytest.mark.parametrize(
    "words",
    [("post", "grant", "nobody", "works", "issuer"), ("post", "grant", "officer", "none", "issuer"),
     ("reset", "nobody"), ("post", "grant", "officer", "works", "superuser")],
)  # fmt: skip
def test_what_is_not_there_is_named(officer, works, words):
    done = CliRunner().invoke(user, words)
    assert done.exit_code != 0
    assert not Post.objects.exists()


def test_a_reset_of_what_was_lost(officer):
    assert run("reset", "officer") == "Done.\n"


def test_the_key_to_register_at_the_provider(tmp_path, configure):
    assert "staff.key" in CliRunner().invoke(user, ["key"]).output
    made = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(made)
    configure(key=tmp_path / "key.pem")
    (key,) = json.loads(run("key"))["keys"]
    assert key["alg"] == "ES256"
    assert "d" not in key
