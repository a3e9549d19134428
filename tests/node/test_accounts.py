from __future__ import annotations

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

from kouan.apps.staff.services import add_department, grant_post
from kouan.core.text import Localised
from kouan.node.accounts import make_account, new_password

pytestmark = pytest.mark.django_db


def test_an_account_has_exactly_the_roles_that_it_was_given_last():
    make_account("chan", ("issuer", "operator"), make_password("first"))
    make_account("chan", ("operator",), make_password("second"))
    account = User.objects.get()
    assert [group.name for group in account.groups.all()] == ["operator"]
    assert account.check_password("second")
    assert not account.check_password("first")
    assert not account.is_staff
    assert not account.is_superuser
    assert "second" not in account.password


def test_two_accounts_share_a_role():
    make_account("chan", ("issuer",), make_password("x"))
    make_account("li", ("issuer",), make_password("x"))
    one, two = User.objects.all()
    assert one.groups.get() == two.groups.get()
    assert one.password != two.password


def test_a_new_password_is_long_and_can_be_typed():
    made = {new_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        groups = password.split("-")
        assert [len(group) for group in groups] == [3] * 4
        assert not set("".join(groups)) & set("01ilo")


def test_a_new_password_leaves_the_posts_alone():
    make_account("chan", ("issuer",), make_password("first"))
    chan = User.objects.get()
    works = add_department(code="works", name=Localised("Works", "工務", "工务"))
    grant_post(user=chan, department=works, role="registrar", by="kouan user")
    make_account("chan", (), make_password("second"))
    assert [group.name for group in chan.groups.all()] == ["registrar"]
