"""What this app adds to the program ``kouan``."""

from __future__ import annotations

import sys

import click

from kouan.core.running import on_the_node


@click.command("catalogue")
@on_the_node
def catalogue() -> None:
    """Print the message catalogue as Markdown, as it stands in docs/catalogue.md."""
    from kouan.apps.operations.catalogue import catalogue_markdown  # noqa: PLC0415 - needs Django to be set up

    click.echo(catalogue_markdown(), nl=False)


@click.command("health")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@on_the_node
def health(*, as_json: bool) -> None:
    """Say whether this node can do its work. Exit status 0: yes. 1: no. 3: yes, and an alarm is raised."""
    from kouan.apps.operations.checkup import look  # noqa: PLC0415 - needs Django to be set up

    found = look()
    click.echo(found.json() if as_json else found.text())
    sys.exit(found.status)
