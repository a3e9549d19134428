"""``kouan services``: services are checked, published and withdrawn; catalogues go out and in."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from django.utils.translation import gettext as _

from kouan.core.running import on_the_node

if TYPE_CHECKING:
    from kouan.apps.services.definition.reading import Source


_FOLDERS = click.Path(path_type=Path, file_okay=False, exists=True)
_BY = "kouan services"


@click.group()
def services() -> None:
    """Public services of this side: check, publish and withdraw them; export and import catalogues."""


@services.command()
@click.argument("folders", nargs=-1, required=True, type=_FOLDERS)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list for programs.")
@click.option(
    "--department", "departments", multiple=True, help="A department of this side; others are none."
)
@on_the_node
def check(folders: tuple[Path, ...], departments: tuple[str, ...], *, as_json: bool) -> None:
    """Say all that is wrong with the services in FOLDERS, by file and line. Exit status 1 if anything is."""
    from kouan.apps.services.definition.checks import check as check_folder  # noqa: PLC0415 - needs settings

    found = [
        (folder, fault)
        for folder in folders
        for fault in check_folder(folder, departments=departments or None)
    ]
    if as_json:
        listed = [{"folder": str(folder)} | fault.as_mapping() for folder, fault in found]
        click.echo(json.dumps(listed, ensure_ascii=False, indent=2))
    else:
        for folder, fault in found:
            click.echo(f"{folder / fault.file}:{fault.line}: {fault.what}")
        if not found:
            click.echo(_("Nothing is wrong."))
    if found:
        raise SystemExit(1)


@services.command()
@click.argument("folders", nargs=-1, required=True, type=_FOLDERS)
@click.option(
    "--draft", "only_draft", is_flag=True, help="Keep it as a draft, to be tried on the portal first."
)
@on_the_node
def publish(folders: tuple[Path, ...], *, only_draft: bool) -> None:
    """Publish the services in FOLDERS, each as its next version; the same again changes nothing."""
    from kouan.apps.services.catalogue import publishing  # noqa: PLC0415 - needs Django's models

    for folder in folders:
        source = _read(folder)
        row = publishing.draft(source, by=_BY) if only_draft else publishing.publish_source(source, by=_BY)
        if row is None:
            click.echo(f"{folder.name}\t{_('published already')}")
        else:
            click.echo(f"{row.service}\t{row.version}\t{row.state}")


@services.command()
@click.argument("service")
@on_the_node
def withdraw(service: str) -> None:
    """Offer SERVICE of this side no longer; cases that are under way go on."""
    from kouan.apps.services.catalogue import publishing  # noqa: PLC0415 - needs Django's models

    row = publishing.withdraw(service, by=_BY)
    click.echo(f"{row.service}\t{row.version}\t{row.state}")


@services.command("list")
@click.option("--side", default="", help="Of one side alone.")
@click.option("--all", "everything", is_flag=True, help="Also drafts, and what was replaced or withdrawn.")
@on_the_node
def list_(side: str, *, everything: bool) -> None:
    """List the services of all sides as this node knows them: side, service, version, state, title."""
    from kouan.apps.services.catalogue.queries import definition_in  # noqa: PLC0415 - needs Django's models
    from kouan.apps.services.models import ServiceVersion  # noqa: PLC0415 - as above

    rows = ServiceVersion.objects.order_by("side", "service", "-version")
    if side:
        rows = rows.filter(side=side)
    if not everything:
        rows = rows.filter(state=ServiceVersion.State.PUBLISHED)
    for row in rows.iterator(chunk_size=200):
        title = definition_in(row).title.text
        click.echo(f"{row.side}\t{row.service}\t{row.version}\t{row.state}\t{title}")


@services.command()
@click.option(
    "--format", "form", type=click.Choice(["json-ld", "turtle"]), default="turtle", show_default=True
)
@click.option(
    "--side", "sides", multiple=True, help="Of these sides alone; all that this node knows if not given."
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The file; printed if not given."
)
@on_the_node
def export(form: Literal["json-ld", "turtle"], sides: tuple[str, ...], out: Path | None) -> None:
    """Write the catalogue as CPSV-AP."""
    from kouan.apps.services.catalogue.queries import every_published  # noqa: PLC0415 - needs Django's models
    from kouan.apps.services.cpsv.writing import catalogue  # noqa: PLC0415 - as above

    data = catalogue(every_published(sides), form=form)
    if out is None:
        click.echo(data.decode(), nl=False)
    else:
        out.write_bytes(data)


@services.command()
@click.argument("account")
@click.option("--name", required=True, help="What the system is called.")
@click.option(
    "--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="How long it counts."
)
@on_the_node
def token(account: str, name: str, days: int) -> None:
    """Make an access token with which a department's system works on cases as ACCOUNT; it is shown once."""
    from kouan.apps.services.cases import tokens  # noqa: PLC0415 - needs Django's models

    click.echo(tokens.issue(account=account, name=name, life=timedelta(days=days)))


@services.command("revoke-token")
@click.argument("prefix")
@on_the_node
def revoke_token(prefix: str) -> None:
    """Revoke the tokens for cases that begin with PREFIX."""
    from kouan.apps.services.cases import tokens  # noqa: PLC0415 - needs Django's models

    count = tokens.revoke(prefix=prefix)
    if not count:
        raise click.ClickException(_("There is no such token."))
    click.echo(str(count))


@services.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the folders are made.",
)
@click.option(
    "--format", "form", type=click.Choice(["json-ld", "turtle"]), help="By the file's name if not given."
)
@on_the_node
def import_(file: Path, target: Path, form: Literal["json-ld", "turtle"] | None) -> None:
    """Make a folder of each service in FILE (CPSV-AP). `check` then says what is still missing."""
    from kouan.apps.services.cpsv.reading import read  # noqa: PLC0415 - needs settings
    from kouan.apps.services.definition.writing import to_folder  # noqa: PLC0415 - as above

    guessed: Literal["json-ld", "turtle"] = "json-ld" if file.suffix in {".jsonld", ".json"} else "turtle"
    for found in read(file.read_bytes(), form=form or guessed):
        to_folder(found.source, target / found.name)
        click.echo(f"{target / found.name}\t{_('whole') if found.whole else _('to be completed')}")


def _read(folder: Path) -> Source:
    from kouan.apps.services.catalogue.errors import FaultyDefinition  # noqa: PLC0415 - needs Django's set-up
    from kouan.apps.services.definition.reading import Unreadable, from_folder  # noqa: PLC0415 - as above

    try:
        return from_folder(folder)
    except Unreadable as error:
        raise FaultyDefinition(detail=str(error)) from None
