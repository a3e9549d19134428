"""``kouan evidence``: access tokens of departments, files of records, and the types that there are."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click
from django.utils.translation import gettext as _

from kouan.core.running import on_the_node


@click.group()
def evidence() -> None:
    """Keep what departments hold of persons, and the systems that they do it with."""


@evidence.command()
@on_the_node
def types() -> None:
    """List this side's types of evidence: code, department, what each meets, and its title."""
    from kouan.apps.evidence.kinds import catalogue  # noqa: PLC0415 - needs the settings

    for each in catalogue().types.values():
        click.echo(f"{each.code}\t{each.department}\t{','.join(sorted(each.requirements))}\t{each.title}")


@evidence.command()
@click.argument("department")
@click.option("--name", required=True, help="What the system is called.")
@click.option(
    "--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="How long it counts."
)
@on_the_node
def token(department: str, name: str, days: int) -> None:
    """Make an access token for a system of DEPARTMENT, and print it: it is shown once."""
    from kouan.apps.evidence import access  # noqa: PLC0415 - needs Django's models

    click.echo(access.issue(department=department, name=name, life=timedelta(days=days)))


@evidence.command("revoke-token")
@click.argument("department")
@click.argument("prefix")
@on_the_node
def revoke_token(department: str, prefix: str) -> None:
    """Revoke the tokens of DEPARTMENT that begin with PREFIX."""
    from kouan.apps.evidence import access  # noqa: PLC0415 - needs Django's models

    count = access.revoke(department=department, prefix=prefix)
    if not count:
        raise click.ClickException(_("The department has no such token."))
    click.echo(str(count))


@evidence.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@on_the_node
def load(file: Path) -> None:
    """Keep the records in FILE (CSV); all of them, or nothing."""
    from kouan.apps.evidence import tables  # noqa: PLC0415 - needs Django's models

    click.echo(str(tables.take(file.read_bytes(), by="kouan evidence load", departments=None)))
