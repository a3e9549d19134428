"""What this app adds to the program ``kouan``."""

from __future__ import annotations

import click


@click.command("catalogue")
def catalogue() -> None:
    """Print the message catalogue as Markdown, as it stands in docs/catalogue.md."""
    # Imported here: the declarations need Django, which the program sets up before it runs a command.
    from kouan.apps.operations.catalogue import catalogue_markdown  # noqa: PLC0415 - see above

    click.echo(catalogue_markdown(), nl=False)
