"""Runs the tests in two passes: all of them on SQLite, then what reaches a node's database on PostgreSQL.

``tools/passes.py PROGRAM ARGUMENT...`` is how to run them. The second pass wants a server: the one that
KOUAN_TEST_DATABASE names (``postgresql://USER@HOST:PORT``), or 127.0.0.1:5432 if the present user may make
databases there. Without one it says so in a line; with KOUAN_TEST_STRICT=1 that is a failure.

Journeys and faults start whole nodes and take their time: of them the second pass, where each node has
several doors and workers, has those with the marker ``twice``. KOUAN_TEST_TWICE=1 runs every one in both.
"""

from __future__ import annotations

import getpass
import os
import subprocess
import sys

import psycopg

VARIABLE = "KOUAN_TEST_DATABASE"
SECOND = [
    "tests/core",
    "tests/apps",
    "tests/web",
    "tests/node",
    "tests/journeys",
    "tests/faults",
]


def main(program: list[str]) -> int:
    """Run both passes, also when the first fails, and return the exit status."""
    url = os.environ.pop(VARIABLE, "") or f"postgresql://{getpass.getuser()}@127.0.0.1:5432"
    failed = run(program, {})
    problem = look(url)
    if problem:
        print(f"No second pass on PostgreSQL ({url}): {problem}")
        return failed or int(os.environ.get("KOUAN_TEST_STRICT") == "1")
    return run([*program, *SECOND], {VARIABLE: url}) or failed


def run(program: list[str], more: dict[str, str]) -> int:
    """Show a command, run it and return its exit status."""
    print(" ".join([*(f"{name}={value}" for name, value in more.items()), *program]), flush=True)
    return subprocess.run(program, env=os.environ | more, check=False).returncode


def look(url: str) -> str:
    """Return why no databases can be made on a server; empty when they can."""
    try:
        with psycopg.connect(f"{url}/postgres", connect_timeout=5) as server:
            found = server.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            )
            return "" if found.fetchone() == (True,) else "the user may not make databases"
    except psycopg.OperationalError as error:
        return str(error).splitlines()[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
