"""``kouan signing validate``, ``token`` and ``revocation``."""

from __future__ import annotations

import contextlib
import csv
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from django.utils.translation import gettext as _

from kouan.core.errors import KouanError
from kouan.core.running import on_the_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kouan.apps.signing.validating.report import FileReport

SUMMARY: Final = (
    "verdict",
    "sub_indication",
    "recognised",
    "signer",
    "signed_at",
    "format",
    "level",
    "reasons",
)


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--json", "as_json", is_flag=True, help="Print a report a line, as JSON, whole.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write there instead of printing."
)
@click.option(
    "--detached",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The document that the signatures in FILES are about, where it is not in them.",
)
@on_the_node
def validate(files: tuple[Path, ...], *, as_json: bool, out: Path | None, detached: Path | None) -> None:
    """Validate the signatures of FILES, a line of CSV for each; status 1 unless all are recognised."""
    reports = list(_bar(_validated(files, detached), len(files)))
    with out.open("w", encoding="utf-8", newline="") if out else _stdout() as target:
        if as_json:
            for path, report in reports:
                target.write(
                    json.dumps({"file": str(path), **report.model_dump(mode="json")}, ensure_ascii=False)
                    + "\n"
                )
        else:
            writer = csv.writer(target)
            writer.writerow(("file", *SUMMARY))
            writer.writerows((str(path), *row(report)) for path, report in reports)
    if not all(report.recognised for _path, report in reports):
        sys.exit(1)


class _Stdout:
    """Standard output, which is not closed after use."""

    def __enter__(self) -> Any:
        return sys.stdout

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()


def _stdout() -> _Stdout:
    return _Stdout()


def _validated(files: tuple[Path, ...], detached: Path | None) -> Iterator[tuple[Path, FileReport]]:
    """Yield each file's report, in their order; as many at a time as there are workers, so that none waits.

    A file over which something fails gets a report that says so: the others' are not lost.
    """
    from kouan.apps.signing.validating import pool, report, services  # noqa: PLC0415 - needs Django's models

    services.trust()  # read once, here: threads would each read it

    def one(path: Path) -> tuple[Path, FileReport]:
        from django.db import connection  # noqa: PLC0415 - as above

        try:
            with contextlib.ExitStack() as stack:
                document = None if detached is None else stack.enter_context(detached.open("rb"))
                return path, services.validate(stack.enter_context(path.open("rb")), document)
        except Exception as error:  # noqa: BLE001 - whatever fails over one file is that file's alone
            code = error.code if isinstance(error, KouanError) else type(error).__name__
            return path, report.unreadable("not-validated", report.SubIndication.GENERIC, detail=code)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=pool.size()) as threads:
        yield from threads.map(one, files)


def _bar(found: Iterator[tuple[Path, FileReport]], length: int) -> Iterator[tuple[Path, FileReport]]:
    with click.progressbar(found, length=length, label=_("Validating"), file=sys.stderr) as bar:
        yield from bar


def row(report: FileReport) -> list[str]:
    """Return the summary of a report as a row of CSV. A cell never begins as a formula does."""
    values = [
        report.verdict.value if report.verdict else "",
        report.sub_indication.value if report.sub_indication else "",
        "yes" if report.recognised else "no",
        report.signer,
        report.signed_at.astimezone(UTC).isoformat() if report.signed_at else "",
        report.format or "",
        report.level or "",
        " ".join(each.code for each in report.reasons),
    ]
    return [f"'{each}" if each[:1] in {"=", "+", "-", "@", "\t", "\r"} else each for each in values]


@click.command()
@click.argument("name")
@click.option(
    "--days", type=click.IntRange(1, 1825), default=365, show_default=True, help="How long it works."
)
@on_the_node
def token(name: str, days: int) -> None:
    """Make an access token for the program NAME, which validates often, and print it this once."""
    from kouan.apps.signing.validating import services  # noqa: PLC0415 - needs Django's models

    click.echo(services.issue_token(name=name, life=timedelta(days=days)))
    click.echo(_("Keep it secret. It cannot be shown again."), err=True)


@click.command("revoke-token")
@click.argument("prefix")
@on_the_node
def revoke_token(prefix: str) -> None:
    """Revoke the token that begins with PREFIX."""
    from kouan.apps.signing.validating import services  # noqa: PLC0415 - needs Django's models

    if not services.revoke_token(prefix=prefix.rstrip("…")):
        raise click.ClickException(_("There is no live token that begins so."))
    click.echo(_("Revoked."))


@click.group()
def revocation() -> None:
    """Revocation lists and OCSP responses, by which certificates are judged."""


@revocation.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Where the bundle goes."
)
@on_the_node
def pack(files: tuple[Path, ...], out: Path) -> None:
    """Pack FILES (CRL, OCSP; DER or PEM) into a bundle that this side signs, for a node without a network."""
    from kouan.apps.signing.validating import bundles  # noqa: PLC0415 - needs Django's models

    data = [bundles.read(path.read_bytes(), name=path.name) for path in files]
    out.write_bytes(bundles.pack(data))
    click.echo(_("%(count)s packed into %(path)s.") % {"count": len(data), "path": out})


@revocation.command("import")
@click.argument("bundle", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@on_the_node
def import_(bundle: Path) -> None:
    """Take in a BUNDLE that this side or a member has signed."""
    from kouan.apps.signing.validating import bundles  # noqa: PLC0415 - needs Django's models

    if bundle.stat().st_size > bundles.MAX_BUNDLE:
        raise click.ClickException(_("%s is larger than 256 MB.") % bundle)
    new = bundles.take(bundle.read_bytes(), name=bundle.name)
    click.echo(_("%s new.") % len(new))


@revocation.command("list")
@on_the_node
def list_() -> None:
    """List what is here, and until when it counts."""
    from kouan.apps.signing.validating import queries  # noqa: PLC0415 - needs Django's models

    for each in queries.revocation():
        until = f"{each.next_update:%Y-%m-%d %H:%M}" if each.next_update else "-"
        click.echo(
            f"{each.kind}\t{each.issuer}\t{each.this_update:%Y-%m-%d %H:%M}\t{until}\t"
            f"{bytes(each.digest).hex()[:16]}"
        )


COMMANDS: Final[tuple[click.Command, ...]] = (validate, token, revoke_token, revocation)
