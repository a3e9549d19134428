"""``kouan signing``: trust lists, validation and signing, each part's commands in its own folder."""

from __future__ import annotations

import click

from kouan.apps.signing.lists.commands import lists
from kouan.apps.signing.making.commands import COMMANDS as MAKING
from kouan.apps.signing.validating.commands import COMMANDS as VALIDATING


@click.group()
def signing() -> None:
    """Trust lists, and what is signed under them."""


for command in (lists, *MAKING, *VALIDATING):
    signing.add_command(command)
