from __future__ import annotations

import pytest
from click.testing import CliRunner

from kouan.apps.validation import services
from kouan.apps.validation.commands import institution
from kouan.apps.validation.errors import BadToken
from kouan.apps.validation.models import Institution
from kouan.web.access import has_role

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("node")]

NAMES = ["--en", "A bank", "--zh-hant", "一間銀行", "--zh-hans", "一家银行"]


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(institution, arguments)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def test_an_institution_is_added_and_listed():
    assert "bank" in run("add", "bank", *NAMES)
    assert run("list").split("\t") == ["bank", "A bank", "0", "0", "0\n"]
    assert "already" in run("add", "bank", *NAMES, code=1)
    assert "a–z" in run("add", "Bank", *NAMES, code=1)
    assert "1 to 200" in run("add", "other", "--en", "x" * 201, *NAMES[2:], code=1)


def test_an_officer_is_added_and_removed(django_user_model):
    run("add", "bank", *NAMES)
    user = django_user_model.objects.create_user("mei")
    run("officer", "bank", "mei")
    assert has_role(django_user_model.objects.get(pk=user.pk), "issuer")
    run("officer", "bank", "mei", "--remove")
    assert not Institution.objects.get().memberships.exists()
    assert "no account" in run("officer", "bank", "nobody", code=1)
    assert "no institution" in run("officer", "none", "mei", code=1)


def test_a_token_is_printed_once_listed_and_revoked():
    run("add", "bank", *NAMES)
    token = run("token", "bank", "--name", "register").splitlines()[0]
    assert services.use_token(token).institution.code == "bank"
    listed = run("tokens", "bank")
    assert token not in listed
    prefix = listed.split("…")[0]
    assert token.startswith(prefix)
    run("revoke-token", "bank", prefix)
    with pytest.raises(BadToken):
        services.use_token(token)
    assert "revoked" in run("tokens", "bank")
    assert "no live token" in run("revoke-token", "bank", prefix, code=1)
