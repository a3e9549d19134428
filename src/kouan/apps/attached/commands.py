"""``kouan system`` and ``kouan declarations``: departments' own systems, and what they may exchange."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click
from django.utils.translation import gettext as _

from kouan.core.running import on_the_node


@click.group()
def declarations() -> None:
    """Message types that this side declares without code."""


@declarations.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False, exists=True)
)
def check(files: tuple[Path, ...]) -> None:
    """Check FILES and print each type with its digest, which both sides compare. Needs no node."""
    from kouan.apps.attached.declarations import load_declaration  # noqa: PLC0415 - `kouan --help` stays quick

    for path in files:
        found = load_declaration(path)
        click.echo(f"{found}\t{found.digest.hex()}\t{path}")


@click.group()
def system() -> None:
    """Departments' own systems, attached to this node."""


_SEND = click.option("--may-send", multiple=True, metavar="TYPE", help="A declared type; may be given often.")
_RECEIVE = click.option("--may-receive", multiple=True, metavar="TYPE", help="As above.")


@system.command()
@click.argument("name")
@click.option("--department", required=True, help="Whose system it is.")
@_SEND
@_RECEIVE
@click.option("--nats", is_flag=True, help="It also speaks over NATS.")
@on_the_node
def add(
    name: str, department: str, may_send: tuple[str, ...], may_receive: tuple[str, ...], *, nats: bool
) -> None:
    """Attach the system NAME (a-z, 0-9 and -), and print its token this once."""
    from kouan.apps.attached import services  # noqa: PLC0415 - needs Django's models

    _made, token = services.attach(
        name=name, department=department, may_send=may_send, may_receive=may_receive, by_nats=nats
    )
    click.echo(token)
    click.echo(_("Keep it secret. It cannot be shown again."), err=True)


@system.command("list")
@on_the_node
def list_() -> None:
    """List the systems with what waits for them and what they may send and receive."""
    from kouan.apps.attached import queries  # noqa: PLC0415 - needs Django's models

    for row in queries.listed():
        state = _("switched off") if row["off"] else _("on")
        types = " ".join(
            [*(f">{each}" for each in row["may_send"]), *(f"<{each}" for each in row["may_receive"])]
        )
        click.echo(f"{row['name']}\t{row['department']}\t{state}\t{row['waits']}\t{types}")


@system.command()
@click.argument("name")
@_SEND
@_RECEIVE
@click.option("--nats/--no-nats", default=None, help="Whether it also speaks over NATS.")
@on_the_node
def allow(name: str, may_send: tuple[str, ...], may_receive: tuple[str, ...], *, nats: bool | None) -> None:
    """Set anew what the system NAME may send or receive; an option that is not given changes nothing."""
    from kouan.apps.attached import queries, services  # noqa: PLC0415 - needs Django's models

    services.allow(
        system=queries.system(name),
        may_send=may_send or None,
        may_receive=may_receive or None,
        by_nats=nats,
    )
    click.echo(_("Done."))


@system.command()
@click.argument("name")
@click.option(
    "--overlap-hours",
    type=click.IntRange(0, 720),
    default=24,
    show_default=True,
    help="How long the old token still works; 0 if it was exposed.",
)
@on_the_node
def rotate(name: str, overlap_hours: int) -> None:
    """Give the system NAME a new token, and print it this once."""
    from kouan.apps.attached import queries, services  # noqa: PLC0415 - needs Django's models

    click.echo(services.rotate_token(system=queries.system(name), overlap=timedelta(hours=overlap_hours)))
    click.echo(_("Keep it secret. It cannot be shown again."), err=True)


@system.command()
@click.argument("name")
@on_the_node
def disable(name: str) -> None:
    """Let the system NAME in no more; what comes for it is kept and waits."""
    from kouan.apps.attached import queries, services  # noqa: PLC0415 - needs Django's models

    services.disable(system=queries.system(name))
    click.echo(_("Done."))


@system.command()
@click.argument("name")
@on_the_node
def enable(name: str) -> None:
    """Let the system NAME in again."""
    from kouan.apps.attached import queries, services  # noqa: PLC0415 - needs Django's models

    services.enable(system=queries.system(name))
    click.echo(_("Done."))


@system.command()
@click.argument("name")
@click.argument("url", required=False)
@click.option("--remove", is_flag=True, help="Post nothing to it any more.")
@on_the_node
def webhook(name: str, url: str | None, *, remove: bool) -> None:
    """Post events for the system NAME to URL, and print the secret of its signatures this once."""
    from kouan.apps.attached import queries, services  # noqa: PLC0415 - needs Django's models

    found = queries.system(name)
    if remove:
        services.remove_webhook(system=found)
        click.echo(_("Done."))
        return
    if not url:
        raise click.UsageError(_("Give the webhook's address, or --remove."))
    click.echo(services.set_webhook(system=found, url=url))
    click.echo(_("Keep it secret. It cannot be shown again."), err=True)
