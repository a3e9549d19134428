"""``kouan channel``: how the channels stand, and agreeing to begin one anew."""

from __future__ import annotations

import time

import click
from django.utils.translation import gettext as _

from kouan.core.running import on_the_node

WAIT: float = 20.0
"""Seconds for which the command waits for the worker to hear from the peer."""


@click.group()
@on_the_node
def channel() -> None:
    """Look after the channels to other sides: whether they are halted, and resynchronising them."""


@channel.command()
def show() -> None:
    """Say of each channel whether it is open; if not, what is missing and what to do."""
    from kouan.core.exchange.recovery.words import halted_channels  # noqa: PLC0415 - needs Django's set-up
    from kouan.core.trust.queries import members  # noqa: PLC0415 - as above

    stopped = {view.peer: view for view in halted_channels()}
    for member in members():
        view = stopped.get(member.side)
        if view is None:
            click.echo(_("%(peer)s: open") % {"peer": member.side})
            continue
        click.echo(_("%(peer)s: HALTED since %(since)s") % {"peer": view.peer, "since": _since(view.since)})
        for sentence in (view.what, *view.missing):
            click.echo(f"  {sentence}")
        for number, step in enumerate(view.steps, 1):
            click.echo(f"  {number}. {step}")


def _since(at: object) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "?"


@channel.command()
@click.option("--peer", required=True, help="The other side: hk, gd, mo or one of your own.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def resync(peer: str, *, yes: bool) -> None:
    """Agree that both streams with PEER begin anew; it happens when its operator agrees too.

    What the peer holds of this side's is fetched, what it lost is offered to it again, and the ledger goes
    on under a new name if entries are missing. It is logged on both sides and cannot be undone.
    """
    from kouan.core.exchange.models import Channel  # noqa: PLC0415 - needs Django's set-up
    from kouan.core.exchange.recovery.halts import halt  # noqa: PLC0415 - as above
    from kouan.core.exchange.recovery.resync import agree  # noqa: PLC0415 - as above
    from kouan.core.exchange.recovery.words import halted_channels  # noqa: PLC0415 - as above
    from kouan.core.trust.queries import get_member  # noqa: PLC0415 - as above

    get_member(peer)
    for view in halted_channels():
        if view.peer == peer:
            for sentence in (view.what, *view.missing):
                click.echo(sentence)
    if not yes:
        click.confirm(_("Begin both streams with %(peer)s anew?") % {"peer": peer}, abort=True)
    halt(peer, Channel.Cause.ASKED)
    deadline = time.monotonic() + WAIT
    while not Channel.objects.get(peer=peer).evidence and time.monotonic() < deadline:
        time.sleep(0.1)
    agree(peer)
    row = Channel.objects.get(peer=peer)
    if row.theirs:
        click.echo(_("Both sides have agreed. The workers of both nodes carry it out; this takes seconds."))
    else:
        click.echo(
            _("Agreed on this side. It happens when the operator of %(peer)s agrees.") % {"peer": peer}
        )
