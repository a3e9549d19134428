"""``kouan user``: local accounts of officers and operators."""

from __future__ import annotations

import secrets
from typing import Final

import click

from kouan.apps.staff.commands import department, key, post, reset
from kouan.core.running import on_the_node
from kouan.web.roles import ROLES

DEMONSTRATION_GROUP: Final = "demonstration"
"""The group of made-up accounts; a node that is no demonstration does not start with one."""


@click.group()
def user() -> None:
    """Accounts of officers and operators."""


for command in (department, post, reset, key):
    user.add_command(command)


@user.command()
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(list(ROLES)),
    help="What the account may do, for the whole side; see also `kouan user post`.",
)
@click.password_option(help="Asked for when not given.")
@on_the_node
def add(name: str, roles: tuple[str, ...], password: str) -> None:
    """Make an account, or set the password and the roles of one that exists."""
    from django.contrib.auth.hashers import make_password  # noqa: PLC0415 - needs Django's set-up

    _check_password(name, password)
    make_account(name, roles, make_password(password))
    click.echo(f"The account {name} may now sign in. Its roles: {', '.join(roles) or 'none'}.")


def _check_password(name: str, password: str) -> None:
    """Refuse a password that is too short or too easily guessed, saying why."""
    from django.contrib.auth.models import User  # noqa: PLC0415 - needs Django's set-up
    from django.contrib.auth.password_validation import validate_password  # noqa: PLC0415 - as above
    from django.core.exceptions import ValidationError  # noqa: PLC0415 - as above

    try:
        validate_password(password, User(username=name))
    except ValidationError as error:
        raise click.ClickException(" ".join(error.messages)) from None


def new_password() -> str:
    """Return a password that nobody guesses and a person can type: 60 bits in four groups."""
    letters = "23456789abcdefghjkmnpqrstuvwxyz"
    return "-".join("".join(secrets.choice(letters) for _ in range(3)) for _ in range(4))


def make_account(name: str, roles: tuple[str, ...], password: str) -> None:
    """Make an account with exactly these roles and this password, hashed (Django must be ready).

    Roles that it holds by posts stay: `kouan user post` takes those.
    """
    from django.contrib.auth.models import Group, User  # noqa: PLC0415 - needs Django's set-up
    from django.db import transaction  # noqa: PLC0415 - as above

    from kouan.apps.staff.models import Post  # noqa: PLC0415 - as above

    with transaction.atomic():
        account, _ = User.objects.get_or_create(username=name)
        account.password = password
        account.save()
        held = dict.fromkeys([*roles, *Post.objects.filter(user=account).values_list("role", flat=True)])
        account.groups.set([Group.objects.get_or_create(name=role)[0] for role in held])
