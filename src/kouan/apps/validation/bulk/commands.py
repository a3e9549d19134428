"""``kouan institution mark``, ``register`` and ``revoke``: many documents at once."""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import click
from django.utils.translation import gettext as _

from kouan.apps.validation.domain import Algorithm, DocumentType, JobKind
from kouan.core.errors import KouanError
from kouan.core.running import on_the_node
from kouan.core.words import speak_without_a_node

if TYPE_CHECKING:
    from kouan.apps.validation.bulk.progress import Progress

_SHOWN: Final = 20
"""Bad rows that are printed."""
_CHUNK: Final = 1 << 20


@click.command()
@click.argument("code")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False, exists=True)
)
@click.option("--side", required=True, help="The institution's side, such as hk.")
@click.option(
    "--type",
    "kind",
    required=True,
    type=click.Choice([item.value for item in DocumentType]),
    help="What they are.",
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Where to write."
)
@click.option("--expires-on", type=click.DateTime(["%Y-%m-%d"]), help="The last day of validity.")
@click.option(
    "--algorithm", type=click.Choice([item.value for item in Algorithm]), default="sha-256", show_default=True
)
@click.option("--package", is_flag=True, help="Leave each file's bytes as they are, in a ZIP file.")
def mark(  # noqa: PLR0913, PLR0917 - one option each
    code: str, files: tuple[Path, ...], side: str, kind: str, out: Path, expires_on: object, algorithm: str,
    *, package: bool,
) -> None:  # fmt: skip
    """Put a mark into each of FILES for the institution CODE, without a node.

    Writes the carried files, which go to the owners, and rows.csv, which `kouan institution register` takes.
    """
    speak_without_a_node()
    out.mkdir(parents=True, exist_ok=True)
    bad = 0
    with (out / "rows.csv").open("x", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["reference", "type", "algorithm", "fingerprint", "carried_as", "expires_on"])
        for file in files:
            try:
                reference, digest, form = _marked(
                    file, out, code, side, Algorithm(algorithm), package=package
                )
            except (KouanError, OSError, ValueError) as error:
                click.echo(f"{file}: {error}", err=True)
                bad += 1
                continue
            writer.writerow([reference, kind, algorithm, digest, form, str(expires_on or "")[:10]])
            click.echo(f"{file}\t{reference}")
    if bad:
        raise click.ClickException(_("%(count)s files carry no mark.") % {"count": bad})


def _marked(  # noqa: PLR0913 - what a mark is made of
    file: Path, out: Path, code: str, side: str, algorithm: Algorithm, *, package: bool
) -> tuple[str, str, str]:
    from kouan.apps.validation.marks import Mark, carry  # noqa: PLC0415 - keeps `kouan --help` quick

    new = Mark.new(side=side, issuer=code, algorithm=algorithm)
    part = out / f".{new.reference}.part"
    try:
        with file.open("rb") as source, part.open("x+b") as destination:
            carried = carry(source, destination, new, name=file.name, as_package=package)
        part.rename(out / f"{carried.reference}{carried.carried_as.ending}")
    finally:
        part.unlink(missing_ok=True)
    return str(carried.reference), carried.digest.hex(), carried.carried_as.value


@click.command()
@click.argument("code")
@click.argument("file", type=click.File("rb"))
@click.option("--good-rows", is_flag=True, help="Take the good rows although others are bad.")
@on_the_node
def register(code: str, file: BinaryIO, *, good_rows: bool) -> None:
    """Register the documents that FILE (CSV) lists for the institution CODE."""
    _take(code, file, JobKind.REGISTER, good_rows=good_rows)


@click.command()
@click.argument("code")
@click.argument("file", type=click.File("rb"))
@click.option("--good-rows", is_flag=True, help="Take the good rows although others are bad.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@on_the_node
def revoke(code: str, file: BinaryIO, *, good_rows: bool, yes: bool) -> None:
    """Revoke the documents that FILE (CSV) lists, or let them expire; it cannot be undone."""
    if not yes:
        click.confirm(_("A revocation cannot be undone. Go on?"), abort=True)
    _take(code, file, JobKind.REVOKE, good_rows=good_rows)


def _take(code: str, file: BinaryIO, kind: JobKind, *, good_rows: bool) -> None:
    """Begin the job and work on it here as well, beside a worker if there is one."""
    from kouan.apps.validation import queries  # noqa: PLC0415 - needs Django's models
    from kouan.apps.validation.bulk import progress, work  # noqa: PLC0415 - as above
    from kouan.apps.validation.bulk.starting import start  # noqa: PLC0415 - as above

    institution = queries.institution(code)
    pieces = iter(lambda: file.read(_CHUNK), b"")
    key = start(institution=institution, kind=kind, pieces=pieces, take_good=good_rows).key
    bar: Any
    with click.progressbar(length=100, label=str(key), file=sys.stderr) as bar:
        found = progress.job(key, of=[institution])
        while found.open:
            if not work.step():
                time.sleep(0.1)
            found = progress.job(key, of=[institution])
            bar.update(found.percent - bar.pos)
    for row in progress.problem_rows(key)[:_SHOWN]:
        one = progress.in_words(row)
        click.echo(
            _("Line %(line)s, %(column)s: %(text)s")
            % {"line": one.line, "column": one.column or _("the whole row"), "text": one.text},
            err=True,
        )
    _say(found)


def _say(found: Progress) -> None:
    click.echo(
        _("%(good)s good rows, %(unchanged)s no news, %(bad)s bad.")
        % {"good": found.good, "unchanged": found.unchanged, "bad": found.bad}
    )
    if found.state == "refused":
        raise click.ClickException(_("The file has changed nothing."))
    if found.bad:
        raise click.ClickException(_("The good rows were taken, the bad ones were not."))
