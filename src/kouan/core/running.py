"""Running a command of the program: on a node, and whatever goes wrong ends as one line."""

from __future__ import annotations

import functools
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click
from django.db import DatabaseError
from django.utils.translation import gettext as _

from kouan.config import NODE_VARIABLE, ConfigError
from kouan.core.errors import KouanError
from kouan.core.words import speak_without_a_node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def in_one_line() -> Iterator[None]:
    """Turn what a node's settings, its database or its rules refuse into one line and exit status 1."""
    try:
        yield
    except ConfigError as error:
        raise click.ClickException(str(error)) from None
    except DatabaseError as error:
        said = _("The database cannot be used: %s. `kouan migrate` brings it to the present version.")
        raise click.ClickException(said % error) from None
    except KouanError as error:
        if NODE_VARIABLE not in os.environ:
            speak_without_a_node()
        raise click.ClickException(str(error)) from None
    except OSError as error:
        if error.filename is None:  # of a connection, a pipe: nothing that a reader could set right
            raise
        raise click.ClickException(f"{error.filename}: {error.strerror or error}") from None


def on_the_node(command: Callable[P, R]) -> Callable[P, R]:
    """Set Django up before a command; what goes wrong is said in one line."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        import django  # noqa: PLC0415 - `kouan --help` needs no node.toml

        with in_one_line():
            django.setup()
            return command(*args, **kwargs)

    return run


def on_the_node_or_a_file(command: Callable[P, R]) -> Callable[P, R]:
    """Do the same for a command that needs no node where it is given a ``file``: then it only speaks."""
    there = on_the_node(command)

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if NODE_VARIABLE in os.environ or kwargs.get("file") is None:
            return there(*args, **kwargs)
        with in_one_line():
            speak_without_a_node()
            return command(*args, **kwargs)

    return run
