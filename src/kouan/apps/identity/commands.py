"""``kouan service``: the online services that let people sign in."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import click
from django.utils.translation import gettext as _

from kouan.core.running import on_the_node


@click.group()
def service() -> None:
    """Online services of this side that let people sign in."""


@service.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@on_the_node
def add(file: Path) -> None:
    """Register the service that FILE describes (TOML, or JSON as the API takes it)."""
    from kouan.apps.identity import register  # noqa: PLC0415 - needs Django's models
    from kouan.apps.identity.registration import Registration  # noqa: PLC0415 - as above

    try:
        registration = Registration.from_json(_read(file))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise click.ClickException(f"{file}: {error}") from None
    register.add(registration=registration, by=None)
    click.echo(_("Registered. People can sign in to it from now on."))


@service.command("list")
@on_the_node
def list_() -> None:
    """List the services: id, state, lowest level, name, department."""
    from kouan.apps.identity import queries  # noqa: PLC0415 - needs Django's models

    for row in queries.services():
        state = _("switched off") if row.disabled_at else _("on")
        click.echo(f"{row.client_id}\t{state}\t{row.level}\t{row.name}\t{row.department}")


@service.command()
@click.argument("client_id")
@on_the_node
def show(client_id: str) -> None:
    """Print what the service CLIENT_ID is registered with, as JSON that `add` takes."""
    from kouan.apps.identity import queries  # noqa: PLC0415 - needs Django's models
    from kouan.apps.identity.registration import Registration  # noqa: PLC0415 - as above

    found = Registration.of(queries.service(client_id)).to_json()
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))


@service.command()
@click.argument("client_id")
@on_the_node
def disable(client_id: str) -> None:
    """Let nobody sign in to the service CLIENT_ID any more."""
    from kouan.apps.identity import register  # noqa: PLC0415 - needs Django's models

    register.disable(client_id=client_id, by=None)
    click.echo(_("Done."))


@service.command()
@click.argument("client_id")
@on_the_node
def enable(client_id: str) -> None:
    """Let people sign in to the service CLIENT_ID again."""
    from kouan.apps.identity import register  # noqa: PLC0415 - needs Django's models

    register.enable(client_id=client_id, by=None)
    click.echo(_("Done."))


def _read(file: Path) -> dict[str, Any]:
    text = file.read_text(encoding="utf-8")
    value = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    if not isinstance(value, dict):
        raise TypeError("not a table")
    return value
