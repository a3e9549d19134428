"""``kouan trust``, the part that concerns both sides: status, confirm, compromise, compromised, prune.

They hang on the group that ``kouan.core.trust.commands`` makes.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click
from django.utils.translation import gettext as _

from kouan.core.running import on_the_node_or_a_file
from kouan.core.trust.commands import trust, user
from kouan.core.trust.document import grouped
from kouan.core.trust.keys import KeyUse

__all__ = ["trust"]

_USES = click.Choice([use.value for use in KeyUse])


class Moment(click.ParamType[datetime]):
    """A time as ISO 8601 writes it; UTC where it names no zone."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the time, or say how to write one."""
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(_("write a time such as 2026-01-31T08:00+08:00"), param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@trust.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@on_the_node_or_a_file
def status(as_json: bool) -> None:  # noqa: FBT001 - click's flag
    """Show every key of this side, what ends soon, and what each other side has acknowledged."""
    from kouan.core.exchange import keystatus  # noqa: PLC0415 - needs Django's models, set up by now

    found = keystatus.status()
    if as_json:
        click.echo(json.dumps(keystatus.as_json(found), indent=2))
        return
    for line in keystatus.lines(found):
        click.echo(line)


@trust.command()
@click.argument("side")
@click.option(
    "--fingerprint", required=True, help="The new fingerprint that the other side told you by another way."
)
@on_the_node_or_a_file
def confirm(side: str, fingerprint: str) -> None:
    """Take the new anchor of SIDE into use, after comparing its fingerprint."""
    from kouan.core.exchange import keyset  # noqa: PLC0415 - as above

    row = keyset.confirm(side, fingerprint, by=user())
    click.echo(
        _("%(side)s is trusted with its document %(serial)d.") % {"side": row.side, "serial": row.serial}
    )


@trust.command()
@click.argument("use", type=_USES)
@click.argument("kid")
@click.option("--since", type=Moment(), required=True, help="From when it may have been in other hands.")
@click.option("--reason", required=True, help="For the other sides: what happened, in a few words.")
@on_the_node_or_a_file
def compromise(use: str, kid: str, since: datetime, reason: str) -> None:
    """Report a key of this side compromised: nobody believes it any more, at once."""
    from kouan.core.trust import services  # noqa: PLC0415 - as above

    keys = services.report_compromised(KeyUse(use), kid, since=since, reason=reason)
    click.echo(
        _("Reported. The document %d tells the other sides; see kouan trust status.") % keys.public.serial
    )
    if use == KeyUse.ANCHOR.value:
        click.echo(_("Tell every other side this new fingerprint by another way:"))
        click.echo(grouped(keys.fingerprint))


@trust.command()
@click.argument("kid")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@on_the_node_or_a_file
def compromised(kid: str, as_json: bool) -> None:  # noqa: FBT001 - click's flag
    """List what a key that was reported compromised has signed since."""
    from kouan.core.exchange import signedby  # noqa: PLC0415 - as above

    found = signedby.signed_since(kid)
    if as_json:
        click.echo(json.dumps(signedby.as_json(found), indent=2))
        return
    report = found.report
    click.echo(
        _("%(use)s key %(kid)s of %(side)s, compromised since %(since)s, reported %(at)s: %(reason)s")
        % {
            "use": report.use.value,
            "kid": report.kid.hex(),
            "side": found.side,
            "since": report.since.isoformat(timespec="minutes"),
            "at": report.at.isoformat(timespec="minutes"),
            "reason": report.reason,
        }
    )
    click.echo(_("Signed since then, as far as this node knows: %d") % found.count)
    for one in found.listed:
        click.echo(f"  {one.at:%Y-%m-%d %H:%M:%S}  {one.kind:17} {one.peer:6} {one.name}")


@trust.command()
@on_the_node_or_a_file
def prune() -> None:
    """Delete the private halves of keys that ended 90 days ago; every other side must know that."""
    from kouan.core.exchange import keynews  # noqa: PLC0415 - as above
    from kouan.core.trust import services  # noqa: PLC0415 - as above
    from kouan.core.trust.queries import own  # noqa: PLC0415 - as above

    waiting = keynews.unacknowledged(own())
    if waiting:
        raise click.ClickException(
            _("Nothing was deleted: %s has not acknowledged the present document yet.") % ", ".join(waiting)
        )
    gone = services.prune_keys()
    for key in gone:
        click.echo(f"{key.use.value:8} {key.kid.hex()} {key.until:%Y-%m-%d}")
    click.echo(_("Private keys deleted: %d") % len(gone))
