"""``kouan user department``, ``kouan user post``, ``kouan user reset`` and ``kouan user key``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
from django.utils.translation import gettext as _

from kouan.core.running import on_the_node
from kouan.web.roles import ROLES

if TYPE_CHECKING:
    from kouan.web.roles import Role

BY = "kouan user"
"""Who changes a post, in the history, when it is done on the command line."""


@click.group()
def department() -> None:
    """Departments of this side."""


@department.command()
@click.argument("code")
@click.option("--en", required=True, help="Its name in English.")
@click.option("--zh-hant", required=True, help="Its name in Traditional Chinese.")
@click.option("--zh-hans", required=True, help="Its name in Simplified Chinese.")
@on_the_node
def add(code: str, en: str, zh_hant: str, zh_hans: str) -> None:
    """Add the department CODE (a-z, 0-9 and -)."""
    from kouan.apps.staff import services  # noqa: PLC0415 - needs Django's models
    from kouan.core.text import Localised  # noqa: PLC0415 - as above

    services.add_department(code=code, name=Localised(en, zh_hant, zh_hans))
    click.echo(_("Done."))


@department.command("list")
@on_the_node
def list_() -> None:
    """List the departments: code, officers, name."""
    from kouan.apps.staff import queries  # noqa: PLC0415 - needs Django's models

    for row in queries.departments():
        click.echo(f"{row.code}\t{row.officers}\t{row.name}")


@click.group()
def post() -> None:
    """Say which officer holds which role in which department."""


_ROLE = click.argument("role", type=click.Choice(list(ROLES)))


@post.command()
@click.argument("name")
@click.argument("department")
@_ROLE
@on_the_node
def grant(name: str, department: str, role: Role) -> None:
    """Give the account NAME the role ROLE in DEPARTMENT."""
    from kouan.apps.staff import queries, services  # noqa: PLC0415 - needs Django's models

    user = queries.account(name)
    services.grant_post(user=user, department=queries.department(department), role=role, by=BY)
    click.echo(_("Done."))


@post.command()
@click.argument("name")
@click.argument("department")
@_ROLE
@on_the_node
def withdraw(name: str, department: str, role: Role) -> None:
    """Take the role ROLE in DEPARTMENT from the account NAME."""
    from kouan.apps.staff import queries, services  # noqa: PLC0415 - needs Django's models

    user = queries.account(name)
    services.withdraw_post(user=user, department=queries.department(department), role=role, by=BY)
    click.echo(_("Done."))


@post.command("list")
@on_the_node
def list_posts() -> None:
    """List the posts: account, department, role, since, by."""
    from kouan.apps.staff import queries  # noqa: PLC0415 - needs Django's models

    for row in queries.officers():
        for held in row.held:
            since = f"{held.since:%Y-%m-%d}" if held.since else "-"
            click.echo(f"{row.name}\t{held.code or '-'}\t{held.role}\t{since}\t{held.by or '-'}")


@click.command()
@click.argument("name")
@on_the_node
def reset(name: str) -> None:
    """Remove passkeys, authenticator app and recovery codes of the account NAME, and end its sessions.

    For somebody who has lost them. Make sure who asks, and set a new password with `kouan user add`.
    """
    from kouan.apps.staff import queries, services  # noqa: PLC0415 - needs Django's models

    services.reset_factors(user=queries.account(name))
    click.echo(_("Done."))


@click.command()
@on_the_node
def key() -> None:
    """Print the public key to register at the staff provider (`staff.key`), as a JWK Set."""
    from django.conf import settings  # noqa: PLC0415 - needs Django's set-up

    from kouan.web.oidc import public_jwks  # noqa: PLC0415 - as above

    if settings.NODE.staff.key is None:
        raise click.ClickException(_("The key `staff.key` is not set in node.toml."))
    try:
        click.echo(json.dumps(public_jwks(settings.NODE.staff.key), indent=2))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
