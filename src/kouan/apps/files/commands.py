"""``kouan file``: send a file to another side, see how far files have come, save what arrived."""

from __future__ import annotations

import time
import uuid  # noqa: TC003 - click.UUID gives one
from pathlib import Path
from typing import Final

import click
from django.utils.translation import gettext as _

from kouan.core.running import on_the_node

_ENDED: Final = {"delivered", "failed", "removed"}


@click.group()
def file() -> None:
    """Files from one side to the other, up to 2 GB each."""


@file.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--to", required=True, help="The side that is to have it, such as gd.")
@click.option("--name", default="", help="Its name at the other side; by default its own.")
@click.option("--wait", is_flag=True, help="Stay until the other side has it, and show how far it is.")
@on_the_node
def send(path: Path, to: str, name: str, *, wait: bool) -> None:
    """Seal the file at PATH for another side and send it; prints the message's id."""
    from kouan.apps.files import services  # noqa: PLC0415 - needs Django's models

    message_id = services.send_file(path=path, to=to, name=name)
    click.echo(message_id)
    if wait:
        _wait(message_id)


def _wait(message_id: uuid.UUID) -> None:
    from kouan.apps.files import queries  # noqa: PLC0415 - needs Django's models

    shown = ""
    while True:
        found = [each for each in queries.files() if each.transfer.message_id == message_id]
        if not found:
            return
        transfer = found[0].transfer
        line = f"{transfer.stage.value} {transfer.share}"
        if line != shown:
            click.echo(line, err=True)
            shown = line
        if transfer.stage.value in _ENDED:
            if transfer.stage.value == "failed":
                raise click.ClickException(_("The other side did not take the file (%s).") % transfer.code)
            return
        time.sleep(0.2)


@file.command("list")
@on_the_node
def list_() -> None:
    """List the newest files: id, direction, side, how far, bytes, name."""
    from kouan.apps.files import queries  # noqa: PLC0415 - needs Django's models

    for each in queries.files():
        transfer = each.transfer
        click.echo(
            "\t".join(
                (
                    str(transfer.message_id),
                    "out" if transfer.outgoing else "in",
                    transfer.peer,
                    f"{transfer.stage.value} {transfer.share}",
                    str(transfer.size),
                    each.name or "-",
                    transfer.code or transfer.error or "-",
                )
            )
        )


@file.command()
@click.argument("message_id", type=click.UUID)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path(),
    help="The folder to save it in, or the new file; by default the present folder.",
)
@on_the_node
def save(message_id: uuid.UUID, out: Path) -> None:
    """Save the received file MESSAGE_ID (as `kouan file list` shows it); nothing is overwritten."""
    from kouan.apps.files import services  # noqa: PLC0415 - needs Django's models

    click.echo(services.save_file(message_id=message_id, out=out))
