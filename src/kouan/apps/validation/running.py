"""Running a command of the program on a node."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click
from django.utils.translation import gettext as _

from kouan.core.errors import KouanError

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")


def on_the_node(command: Callable[P, R]) -> Callable[P, R]:
    """Set Django up, and turn what can go wrong into one line and exit status 1."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        import django  # noqa: PLC0415 - `kouan --help` needs no node.toml
        from django.db import DatabaseError  # noqa: PLC0415 - `kouan --help` needs no node.toml

        try:
            django.setup()
            return command(*args, **kwargs)
        except KouanError as error:
            raise click.ClickException(str(error)) from None
        except DatabaseError as error:
            raise click.ClickException(_("The database cannot be used: %s") % error) from None

    return run
