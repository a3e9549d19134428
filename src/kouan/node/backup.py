"""``kouan backup`` and ``kouan restore``: the node's database, copied at any time, put back at rest."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from kouan.config import NodeConfig


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Write a copy of this node's database to FILE; the node may be running.

    The copy is of one moment and as secret as the database: keep it encrypted.
    """
    database = database_in_use()
    if file.exists():
        raise click.ClickException(_("%(file)s exists already; nothing was written.") % {"file": file})
    part = file.with_name(f".{file.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        if database["vendor"] == "sqlite":
            _copy(Path(database["NAME"]), part)
        else:
            _run(["pg_dump", "--format=custom", f"--file={part}", database["NAME"]], database)
        part.replace(file)
    except (OSError, sqlite3.Error) as error:
        raise click.ClickException(_("The backup failed: %(error)s") % {"error": error}) from None
    finally:
        part.unlink(missing_ok=True)
    click.echo(_("%(file)s holds the database. Back up the folder of keys as well.") % {"file": file})


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(file: Path, *, yes: bool) -> None:
    """Put back the database that `kouan backup` wrote to FILE; the node must be stopped.

    What is there now is kept beside it (SQLite). The peers notice when the database is older than what
    they hold: then the channels stay halted until operators of both sides have agreed what to do.
    """
    from django.conf import settings  # noqa: PLC0415 - needs Django's set-up

    database = database_in_use()
    refuse_while_running(settings.NODE)
    if database["vendor"] == "sqlite":
        check_copy(file, settings.NODE.side)
    else:
        refuse_while_used()
        _check_dump(file, settings.NODE.side, database)
    if not yes:
        click.confirm(_("Replace this node's database by %(file)s?") % {"file": file}, abort=True)
    if database["vendor"] == "sqlite":
        kept = _replace(Path(database["NAME"]), file)
        click.echo(_("The database that was here is kept as %(kept)s.") % {"kept": kept})
    else:
        options = [
            "--clean",
            "--if-exists",
            "--no-owner",
            "--no-acl",
            "--single-transaction",
            "--exit-on-error",
        ]
        _run(["pg_restore", *options, f"--dbname={database['NAME']}", str(file)], database)
    click.echo(_("Restored. Start the node, then look at `kouan channel show`."))


def database_in_use() -> dict[str, Any]:
    """Set Django up, and return what it says of this node's database, with its ``vendor``."""
    import django  # noqa: PLC0415 - `kouan --help` needs no node.toml

    django.setup()
    from django.db import connection  # noqa: PLC0415 - needs Django's set-up

    return {**connection.settings_dict, "vendor": connection.vendor}


def _copy(source: Path, target: Path) -> None:
    """Copy an SQLite database as it is at one moment, and see that the copy is sound."""
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=60)) as here,
        closing(sqlite3.connect(target)) as there,
    ):
        here.backup(there)
        there.execute("PRAGMA journal_mode=DELETE")
        (state,) = there.execute("PRAGMA quick_check").fetchone()
    if state != "ok":
        raise sqlite3.DatabaseError(state)
    with target.open("rb") as written:
        os.fsync(written.fileno())


def check_copy(file: Path, side: str) -> None:
    """Refuse what is no database of this side's node."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            (state,) = database.execute("PRAGMA quick_check").fetchone()
            own = database.execute("SELECT 1 FROM trust_member WHERE side = ?", (side,)).fetchone()
            database.execute("SELECT 1 FROM exchange_stream").fetchone()
    except sqlite3.Error as error:
        raise click.ClickException(
            _("%(file)s is not a backup of a node: %(error)s") % {"file": file, "error": error}
        ) from None
    if state != "ok" or own is not None:
        raise click.ClickException(
            _("%(file)s is damaged, or another side's; nothing was changed.") % {"file": file}
        )


def _check_dump(file: Path, side: str, database: dict[str, Any]) -> None:
    """Refuse what PostgreSQL's own program cannot read, or what is no database of this side's node."""
    members = _run(["pg_restore", "--data-only", "--table=trust_member", "--file=-", str(file)], database)
    found = re.search(r"^COPY \S*trust_member \((.*)\) FROM stdin;\n((?:.*\n)*?)\\\.$", members, re.MULTILINE)
    if found is None:
        raise click.ClickException(
            _("%(file)s is not a backup of a node: %(error)s") % {"file": file, "error": "trust_member"}
        )
    place = found[1].split(", ").index("side")
    if any(line.split("\t")[place] == side for line in found[2].splitlines()):
        raise click.ClickException(
            _("%(file)s is damaged, or another side's; nothing was changed.") % {"file": file}
        )


def _replace(place: Path, file: Path) -> Path:
    """Put a copy of the file in the place of an SQLite database, which is kept beside it with its log."""
    new = place.with_name(f".{place.name}.new")
    new.unlink(missing_ok=True)
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    _copy(file, new)
    kept = place.with_name(f"{place.name}.before-{time.strftime('%Y%m%dT%H%M%S')}")
    if place.exists():
        with closing(sqlite3.connect(place)) as old:
            old.execute(
                "PRAGMA wal_checkpoint(TRUNCATE)"
            )  # what is in its log goes into the file that is kept
        place.replace(kept)
    for suffix in ("-wal", "-shm"):
        place.with_name(place.name + suffix).unlink(missing_ok=True)
    new.replace(place)
    return kept


def refuse_while_running(node: NodeConfig) -> None:
    """Refuse while the node runs on this machine."""
    for address in (node.portal_listen, node.door_listen):
        with suppress(OSError), socket.create_connection((address.host, address.port), timeout=1):
            raise click.ClickException(
                _("Something listens on %(address)s: stop the node first.") % {"address": address}
            )
    from kouan.core.exchange.wake import somebody_listens  # noqa: PLC0415 - needs Django's set-up

    if somebody_listens():
        raise click.ClickException(_("The worker still runs: stop the node first."))


def refuse_while_used() -> None:
    """Refuse while somebody else is connected: the node may run on another machine."""
    from django.db import connection  # noqa: PLC0415 - needs Django's set-up

    others = 0
    for pause in (0.0, 0.5, 1.0, 1.5):  # a session outlives the process that has just ended by a moment
        time.sleep(pause)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            (others,) = cursor.fetchone()
        if not others:
            break
    connection.close()  # what is put back takes the tables away from under whoever holds on to them
    if others:
        raise click.ClickException(
            _("%(count)s others are connected to the database: stop the node on every machine first.")
            % {"count": others}
        )


_VARIABLES: Final = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD"}
_TLS: Final = {
    "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
}  # fmt: skip


def _run(command: list[str], database: dict[str, Any]) -> str:
    """Run one of PostgreSQL's own programs with the node's connection, and return what it wrote."""
    options = database["OPTIONS"]
    given = {variable: str(database[key]) for key, variable in _VARIABLES.items() if database.get(key)}
    given |= {variable: str(options[key]) for key, variable in _TLS.items() if options.get(key)}
    try:
        done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs, no shell
            command, env=os.environ | given, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise click.ClickException(
            _("%(program)s is not installed (Debian: postgresql-client).") % {"program": command[0]}
        ) from None
    if done.returncode:
        raise click.ClickException(f"{command[0]}: {done.stderr.strip()[:500]}")
    return done.stdout
