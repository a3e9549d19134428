"""``kouan programme``: records of the co-operation are read in, and the joint work plan is kept."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kouan.apps.programme.plan.commands import plan
from kouan.config import NODE_VARIABLE, load_from_environment
from kouan.core.errors import KouanError
from kouan.core.running import on_the_node
from kouan.core.words import speak_without_a_node

if TYPE_CHECKING:
    import uuid


_FILES = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.group()
def programme() -> None:
    """Keep what the two sides have done together: records, meetings, the joint work plan."""


@programme.command("import")
@click.argument("files", nargs=-1, required=True, type=_FILES)
@click.option("--json", "as_json", is_flag=True, help="Print the meetings as JSON, and keep nothing.")
@click.option("--others", is_flag=True, help="With --json: an object that also has what is about no meeting.")
def import_records(files: tuple[Path, ...], *, as_json: bool, others: bool) -> None:
    """Read records in: text, HTML or PDF. What they say is proposed to the officers, with its sentence."""
    if as_json:
        _print(files, others=others)
    else:
        _keep(files)


def _print(files: tuple[Path, ...], *, others: bool) -> None:
    """Print what files say; it needs no node, and takes its dictionary where there is one."""
    from kouan.apps.programme.records import joining  # noqa: PLC0415 - keeps `kouan --help` quick
    from kouan.apps.programme.records.reading import dictionary, reader  # noqa: PLC0415 - as above
    from kouan.apps.programme.records.reading.files import take  # noqa: PLC0415 - as above

    home = load_from_environment().home if NODE_VARIABLE in os.environ else None
    words = dictionary.of_node(home)
    read = []
    for path in files:
        try:
            text = take(path.name, path.read_bytes()).text
        except KouanError as error:
            _speak()
            click.echo(str(error), err=True)
            continue
        read.append(joining.Sourced(path.name, text, reader.read(text, words)))
    rows = joining.joined(read, words)
    answer = {"meetings": rows, "others": joining.others(read)} if others else rows
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    if len(read) < len(files):
        raise click.ClickException(_("Not every file could be read; the others are printed."))


def _speak() -> None:
    """Let errors be put into words, with a node or without one."""
    import django  # noqa: PLC0415 - `kouan --help` needs no node.toml

    if NODE_VARIABLE in os.environ:
        django.setup()
    else:
        speak_without_a_node()


@on_the_node
def _keep(files: tuple[Path, ...]) -> None:
    from kouan.apps.programme.records import importing  # noqa: PLC0415 - needs Django's models

    failed = False
    for path in files:
        try:
            done = importing.import_file(name=path.name, data=path.read_bytes(), by="kouan programme import")
        except KouanError as error:
            failed = True
            click.echo(str(error), err=True)
            continue
        if done.again:
            click.echo(_("%(name)s: here already, nothing is changed.") % {"name": path.name})
            continue
        text = ngettext(
            "%(name)s: %(meetings)s meeting, %(claims)s values to confirm.",
            "%(name)s: %(meetings)s meetings, %(claims)s values to confirm.",
            done.meetings,
        )
        click.echo(text % {"name": path.name, "meetings": done.meetings, "claims": done.claims})
    if failed:
        raise click.ClickException(_("Not every file could be read; the others are kept."))


@programme.command("reread")
@click.argument("records", nargs=-1, type=click.UUID)
@on_the_node
def reread_records(records: tuple[uuid.UUID, ...]) -> None:
    """Read stored records again; without a RECORD, those last read with other rules or dictionaries.

    What officers have decided stays. RECORD is the key in the address of a record's page.
    """
    from kouan.apps.programme.records import labels, rereading  # noqa: PLC0415 - needs Django's models

    chosen = list(records) or rereading.outdated()
    if not chosen:
        click.echo(_("Every record was read with the rules and dictionaries of today."))
    for key in chosen:
        done = rereading.reread(record=key, by="kouan programme reread")
        click.echo(f"{done.record.name}: {labels.said_of(done)}")


programme.add_command(plan)
