"""What a command does not load: libraries that cost tenths of a second, and of which it uses nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

HEAVY = {
    "PIL", "aiohttp", "fido2", "granian", "icalendar", "jinja2", "joserfc", "jsonschema", "lxml", "nats",
    "ninja", "opencc", "pyhanko", "pypdf", "rdflib", "reportlab", "segno", "uvicorn",
}  # fmt: skip
# Those that models, declarations of crossings and chores are written with.
FOR_APPS = {"joserfc", "jsonschema", "opencc"}
HELP = """
import contextlib, io
from kouan import cli
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    cli.main(["--help"])
"""
SET_UP = "import django; django.setup()"
ALL = "from kouan.node import servers; servers.load()"
TELL = "\nimport json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"


def loaded_by(program):
    done = subprocess.run(
        [sys.executable, "-c", program + TELL],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "kouan.settings"},
        check=True,
        capture_output=True,
        text=True,
        timeout=240,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("program", "needed"), [(HELP, set()), (SET_UP, FOR_APPS)], ids=["kouan --help", "django.setup()"]
)
def test_a_command_begins_without_what_few_of_them_need(program, needed):
    assert loaded_by(program) & HEAVY <= needed


def test_a_node_loads_once_what_its_processes_share():
    assert {"fido2", "icalendar", "jinja2", "ninja", "pyhanko", "reportlab", "segno"} <= loaded_by(ALL)


def test_what_a_node_loads_is_complete_before_its_threads_use_it():
    left = (
        ALL + "\nfrom pydantic import BaseModel\n"
        "def below(shape):\n"
        "    return {shape}.union(*map(below, shape.__subclasses__()))\n"
        "assert len(below(BaseModel)) > 100\n"
        "assert not [each for each in below(BaseModel) - {BaseModel} if not each.__pydantic_complete__]"
    )
    assert "kouan" in loaded_by(left)
