"""What this app adds to the program ``kouan``."""

from __future__ import annotations

import click


@click.command("catalogue")
def catalogue() -> None:
    """Print the message catalogue as Markdown, as it stands in docs/catalogue.md."""
    import django  # noqa: PLC0415 - `kouan --help` needs no node.toml

    django.setup()
    from kouan.apps.operations.catalogue import catalogue_markdown  # noqa: PLC0415 - needs Django to be set up

    click.echo(catalogue_markdown(), nl=False)
