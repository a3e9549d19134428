"""Whatever a command meets on a node ends as one line that names it, and as exit status 1."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from django.db import OperationalError

from kouan.config import NODE_VARIABLE, ConfigError
from kouan.core.errors import KouanError
from kouan.core.running import on_the_node, on_the_node_or_a_file

MIGRATE = "`kouan migrate` brings it to the present version."


class Refused(KouanError):
    code = "refused-in-a-test"
    message = "The %(thing)s is refused."


def ended(error, decorate=on_the_node):
    @click.command()
    @decorate
    def command():
        raise error

    return CliRunner().invoke(command, [])


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Refused(thing="berth"), "Error: The berth is refused.\n"),
        (ConfigError("node.toml: `side` is not set"), "Error: node.toml: `side` is not set\n"),
        (
            FileNotFoundError(2, "No such file or directory", "a.pdf"),
            "Error: a.pdf: No such file or directory\n",
        ),
        (
            OperationalError("no such table: inbox"),
            f"Error: The database cannot be used: no such table: inbox. {MIGRATE}\n",
        ),
    ],
)
@pytest.mark.parametrize("decorate", [on_the_node, on_the_node_or_a_file])
def test_what_goes_wrong_is_one_line(error, said, decorate):
    done = ended(error, decorate)
    assert (done.exit_code, done.output) == (1, said)


@pytest.mark.parametrize(
    "error", [ConnectionResetError(104, "Connection reset by peer"), ZeroDivisionError()]
)
def test_a_mistake_of_ours_is_not_hidden(error):
    assert ended(error).exception is error


def test_a_command_that_is_given_a_file_needs_no_node():
    code = (
        "from kouan.core.running import on_the_node_or_a_file as decorate\n"
        "from kouan.core.errors import KouanError\n"
        "@decorate\n"
        "def read(file): return str(KouanError())\n"
        "print(read(file='a.trust'))"
    )
    bare = {
        name: value
        for name, value in os.environ.items()
        if name not in {NODE_VARIABLE, "DJANGO_SETTINGS_MODULE"}
    }
    said = subprocess.run([sys.executable, "-c", code], env=bare, capture_output=True, text=True, check=True)
    assert said.stdout == "Something went wrong.\n"
