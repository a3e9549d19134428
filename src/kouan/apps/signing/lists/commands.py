"""``kouan signing lists``: this side's trust list and the others', without a browser."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from django.utils.translation import gettext as _

from kouan.core.running import on_the_node

if TYPE_CHECKING:
    from collections.abc import Callable

_FORMATS = ("jws", "json", "xml", "sm2")
_NOON = timedelta(hours=12)


@click.group()
def lists() -> None:
    """Show trust lists, bring published entries in, and sign the next edition."""


@lists.command()
@on_the_node
def show() -> None:
    """List each side's newest edition: side, edition, entry, state, provider and name."""
    from django.utils import timezone  # noqa: PLC0415 - needs Django's set-up

    from kouan.apps.signing.lists import queries  # noqa: PLC0415 - needs Django's models

    now = timezone.now()
    for edition in queries.current():
        overdue = _("overdue") if now > edition.next_update else ""
        click.echo(f"{edition.side}\t{edition.sequence}\t{edition.next_update:%Y-%m-%d}\t{overdue}".rstrip())
        for each in edition.entries:
            stands = queries.stands(each, now)
            click.echo(f"{edition.side}\t{each.code}\t{stands}\t{each.provider}\t{each.name}")


@lists.command()
@click.argument("side")
@click.argument("entry")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]))
@on_the_node
def on(side: str, entry: str, day: datetime) -> None:
    """Say whether ENTRY of SIDE's list was recognised on DAY. Exit status 1 if it was not."""
    from kouan.apps.signing.lists import labels, queries  # noqa: PLC0415 - needs Django's models
    from kouan.apps.signing.lists.entries import BadEntry, begins  # noqa: PLC0415 - as above

    try:
        at = begins(day.date()) + _NOON
    except BadEntry as error:
        raise click.BadParameter(labels.fault_words(error.problem)) from None
    queries.row_of(side)
    answer = queries.on_day(side, entry, at)
    click.echo(str(labels.STATUSES[answer.stood]))
    if not answer.recognised:
        raise click.exceptions.Exit(1)


@lists.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--by", required=True, help="The officer's account, who prepares the draft.")
@on_the_node
def import_(file: Path, by: str) -> None:
    """Put the entries in FILE (.json, .toml or .csv) into the draft, begun if need be; all, or nothing.

    Certificates stand in the file, or lie in its folder under the names that it gives.
    """
    from django.conf import settings  # noqa: PLC0415 - needs Django's set-up

    from kouan.apps.signing.lists import drafts, importing, labels, queries  # noqa: PLC0415 - as above
    from kouan.apps.signing.lists.errors import BadImport  # noqa: PLC0415 - as above

    form = file.suffix.lower().lstrip(".")
    if form not in importing.FORMATS:
        raise click.ClickException(_("The file's name ends in .json, .toml or .csv."))
    account = _officer(by)
    try:
        found = importing.read(
            file.read_bytes(), form, beside=_beside(file.parent), demonstration=settings.NODE.demonstration
        )
    except importing.FaultyFile as error:
        raise BadImport(faults=labels.faults_text(error.faults, lines=form == "csv")) from None
    if queries.draft() is None:
        drafts.begin(by=account)
    drafts.put(given=found, by=account)
    click.echo(str(len(found)))


@lists.command()
@click.option("--by", required=True, help="The officer's account.")
@click.option(
    "--days", type=click.IntRange(1, 184), default=90, show_default=True, help="Until the next edition."
)
@on_the_node
def submit(by: str, days: int) -> None:
    """Hand the draft to a second officer, who looks at it and publishes it in the portal."""
    from kouan.apps.signing.lists import drafts  # noqa: PLC0415 - needs Django's models

    drafts.submit(by=_officer(by), days=days)


@lists.command()
@click.argument("side")
@click.option("--edition", type=click.IntRange(1), help="By default the newest.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="jws", show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write."
)
@on_the_node
def export(side: str, edition: int | None, form: str, out: Path) -> None:
    """Write an edition of SIDE's list to a file; what its XML lacks by TS 119 612 goes to standard error."""
    from lxml import etree  # noqa: PLC0415 - `kouan --help` is quick without

    from kouan.apps.signing.lists import conformity, jades, publishing, queries  # noqa: PLC0415 - needs Django's models

    row = queries.row_of(side, edition)
    match form:
        case "jws":
            data = row.jws.encode()
        case "json":
            data = jades.payload(row.jws)
        case "xml":
            data = publishing.xml_of(row).encode()
            for fault in conformity.problems(etree.fromstring(data)):
                click.echo(_("TS 119 612: %s") % fault, err=True)
        case _:
            data = bytes(row.sm2_signature)
    if not data:
        raise click.ClickException(_("This edition has no SM2 signature."))
    out.write_bytes(data)


def _beside(folder: Path) -> Callable[[str], bytes | None]:
    def read(name: str) -> bytes | None:
        path = folder / name
        # A name, and no way out of the folder.
        if not name or Path(name).name != name or not path.is_file():
            return None
        with path.open("rb") as file:
            return file.read(64 << 10)

    return read


def _officer(name: str) -> str:
    from django.contrib.auth.models import User  # noqa: PLC0415 - needs Django's models

    from kouan.web.access import has_role  # noqa: PLC0415 - as above

    user = User.objects.filter(username=name).first()
    if user is None or not has_role(user, "signing"):
        raise click.ClickException(_("%s is no account with the role “signing”.") % name)
    return name
