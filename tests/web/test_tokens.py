"""Access tokens, as all the apps that give them out make and find them."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.utils import timezone

from kouan.apps.attached import services as attached
from kouan.apps.attached.models import System, SystemToken
from kouan.apps.dataflow import access
from kouan.apps.dataflow.models import InstitutionAccess
from kouan.apps.validation import services as validation
from kouan.apps.validation.models import AccessToken
from kouan.core.errors import KouanError
from kouan.core.text import Localised
from kouan.web import tokens

pytestmark = pytest.mark.django_db


def of_validation():
    named = Localised("Bank", "銀行", "银行")
    institution = validation.add_institution(code="bank", name=named)
    return validation.issue_token(institution=institution, name="core"), validation.use_token, AccessToken


def of_dataflow():
    return access.issue(institution="bank", name="core"), access.use, InstitutionAccess


def of_attached():
    _system, token = attached.attach(name="land", department="Land Registry")
    return token, attached.use_token, SystemToken


EACH = pytest.mark.parametrize("make", [of_validation, of_dataflow, of_attached])


def test_a_token_is_new_each_time_says_whose_it_is_and_is_not_in_its_digest():
    made, other = tokens.new_token("flow"), tokens.new_token("flow")
    assert made.token != other.token
    assert made.token.startswith(made.prefix)
    assert made.prefix.startswith("kouan_hk_flow_")
    assert len(made.prefix) == len("kouan_hk_flow_") + 6
    assert made.digest == hashlib.sha256(made.token.encode()).digest()
    assert made.token not in repr(made)
    assert tokens.new_token().prefix.startswith("kouan_hk_")


@EACH
def test_it_lets_its_holder_in_and_is_kept_as_a_digest_alone(make):
    token, use, table = make()
    use(token)
    (kept,) = table.objects.values()
    assert token not in str(kept.values())
    assert bytes(kept["digest"]) == hashlib.sha256(token.encode()).digest()


@EACH
@pytest.mark.parametrize("spoil", [lambda token: token[:-1], lambda _: "", lambda token: token + "x"])
def test_another_token_lets_nobody_in(make, spoil):
    token, use, _table = make()
    with pytest.raises(KouanError) as caught:
        use(spoil(token))
    assert caught.value.status == 401


@EACH
def test_one_that_has_ended_lets_nobody_in(make):
    token, use, table = make()
    table.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(KouanError):
        use(token)


@pytest.mark.parametrize("make", [of_validation, of_dataflow])
def test_one_that_was_revoked_lets_nobody_in(make):
    token, use, table = make()
    row = table.objects.get()
    assert tokens.revoke(table.objects.all(), row.prefix) == 1
    assert tokens.revoke(table.objects.all(), row.prefix) == 0
    with pytest.raises(KouanError):
        use(token)


def test_one_of_a_system_that_is_switched_off_lets_nobody_in():
    token, use, _table = of_attached()
    attached.disable(system=System.objects.get())
    with pytest.raises(KouanError):
        use(token)


@EACH
def test_its_use_is_noted_now_and_then(make):
    token, use, table = make()
    use(token)
    first = table.objects.get().last_used_at
    assert first is not None
    use(token)
    assert table.objects.get().last_used_at == first
    table.objects.update(last_used_at=first - tokens.USE_NOTED_EVERY)
    use(token)
    assert table.objects.get().last_used_at >= first
