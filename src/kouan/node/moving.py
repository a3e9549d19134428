"""``kouan move-database``: from the SQLite file on which a node began to the PostgreSQL server it needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import click
from django.utils.translation import gettext as _

from kouan.node.backup import check_copy, database_in_use, refuse_while_running, refuse_while_used

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model

_FROM: Final = "moved-from"
"""Django's name of the connection to the file, while the command runs."""
_AT_ONCE: Final = 50
"""Rows that are copied together: some hold a document of several megabytes."""


@click.command("move-database")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def move_database(file: Path) -> None:
    """Copy all that the SQLite database FILE holds into this node's PostgreSQL database; the node is stopped.

    FILE is the node's former database, or what `kouan backup` wrote of it, and stays as it is. The database
    named in node.toml was made by `kouan migrate` and holds nothing yet. All is copied, or nothing.
    """
    from django.conf import settings  # noqa: PLC0415 - needs Django's set-up

    if database_in_use()["vendor"] != "postgresql":
        raise click.ClickException(_("`database` in node.toml names no PostgreSQL server: name it first."))
    refuse_while_running(settings.NODE)
    refuse_while_used()
    check_copy(file, settings.NODE.side)
    rows, tables, size, root = _move(file)
    click.echo(_("%(rows)s rows of %(tables)s tables are copied.") % {"rows": rows, "tables": tables})
    click.echo(
        _("The ledger has %(size)s entries, and its root is %(root)s in both databases.")
        % {"size": size, "root": root.hex()}
    )


def _move(file: Path) -> tuple[int, int, int, bytes]:
    """Return how many rows of how many tables were copied, and the ledger's size and root."""
    from django.conf import settings  # noqa: PLC0415 - needs Django's set-up
    from django.core.management.color import no_style  # noqa: PLC0415 - as above
    from django.db import DatabaseError, connection, connections, transaction  # noqa: PLC0415 - as above

    given = {
        "default": settings.DATABASES["default"],
        _FROM: {"ENGINE": "django.db.backends.sqlite3", "NAME": f"file:{quote(str(file.resolve()))}?mode=ro"},
    }
    connections.settings[_FROM] = connections.configure_settings(given)[_FROM]
    models = list(_tables())
    try:
        # One transaction on each side: what is read is of one moment, what is written is all or nothing.
        with transaction.atomic(using=_FROM), transaction.atomic(), connection.cursor() as cursor:
            _require_same_version()
            _require_nothing()
            names = ", ".join(connection.ops.quote_name(model._meta.db_table) for model in models)
            cursor.execute(
                f"TRUNCATE {names}"
            )  # what `kouan migrate` wrote comes with the file, as it is there
            rows = sum(map(_copy, models))
            for statement in connection.ops.sequence_reset_sql(no_style(), models):
                cursor.execute(statement)
            size, root = _require_same_ledger()
    except (DatabaseError, ValueError) as error:
        raise click.ClickException(
            _("Nothing was copied: %(error)s") % {"error": " ".join(str(error).split())[:300]}
        ) from None
    finally:
        connections[_FROM].close()
    return rows, len(models), size, root


def _tables() -> Iterator[type[Model]]:
    from django.apps import apps  # noqa: PLC0415 - as above

    for model in apps.get_models(include_auto_created=True):
        if not model._meta.proxy and model._meta.managed:
            assert not model._meta.parents, model  # noqa: S101 - one table a model: rows are copied by tables
            yield model


def _copy(model: type[Model]) -> int:
    """Copy a table and return how many rows it has; raises ``ValueError`` if they are not as many there."""
    every = model._base_manager  # noqa: SLF001 - Django's own name, for rows that no other manager leaves out
    rows, ours = every.using(_FROM).order_by("pk"), every.using("default")
    some: list[Any] = []
    for row in rows.iterator(chunk_size=_AT_ONCE):
        some.append(row)
        if len(some) == _AT_ONCE:
            ours.bulk_create(some)
            some = []
    ours.bulk_create(some)
    count = rows.count()
    if ours.count() != count:
        raise ValueError(f"{model._meta.db_table}: {count}, {ours.count()}")
    return count


def _require_same_version() -> None:
    from django.db import connections  # noqa: PLC0415 - as above
    from django.db.migrations.recorder import MigrationRecorder  # noqa: PLC0415 - as above

    there, here = (
        set(MigrationRecorder(connections[name]).applied_migrations()) for name in (_FROM, "default")
    )
    if there != here:
        raise click.ClickException(
            _("The file is of another version of this program: run `kouan migrate` on both databases first.")
        )


def _require_nothing() -> None:
    from django.contrib.auth.models import User  # noqa: PLC0415 - as above

    from kouan.core.ledger.models import Entry  # noqa: PLC0415 - as above
    from kouan.core.trust.models import Member  # noqa: PLC0415 - as above

    if Entry.objects.exists() or Member.objects.exists() or User.objects.exists():
        raise click.ClickException(
            _("This node's database holds something already: begin with one that `kouan migrate` just made.")
        )


def _require_same_ledger() -> tuple[int, bytes]:
    """Compute the ledger's root from its entries in either database; return its size and root.

    What both give is what the ledger was continued from and signed with (``LedgerHead``).
    """
    from kouan.core.ledger import merkle  # noqa: PLC0415 - as above
    from kouan.core.ledger.models import Entry, LedgerHead  # noqa: PLC0415 - as above

    roots = [
        merkle.root_of(
            bytes(leaf)
            for leaf in Entry.objects.using(name)
            .order_by("pk")
            .values_list("leaf_hash", flat=True)
            .iterator(chunk_size=10_000)
        )
        for name in (_FROM, "default")
    ]
    head = LedgerHead.objects.first() or LedgerHead()
    kept = merkle.Frontier.from_bytes(head.size, bytes(head.frontier)).root()
    if not roots[0] == roots[1] == kept:
        raise ValueError(_("the ledger's entries do not give its root; see `kouan ledger audit`"))
    return head.size, kept
