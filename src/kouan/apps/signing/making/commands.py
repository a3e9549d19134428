"""``kouan signing sign``, ``raise``, ``archive``, ``access``, ``revoke-access``: by hand and for programs."""

from __future__ import annotations

import getpass
from datetime import timedelta
from pathlib import Path
from typing import Final

import click
from django.utils.translation import gettext as _

from kouan.core.running import on_the_node

_MOST: Final = 64 * 1024 * 1024
_LEVELS: Final = ("B", "T", "LT", "LTA")
_FORMS: Final = ("pdf", "cms", "cms-enclosing", "jws")


@click.command("sign")
@click.argument("source", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--signer", "name", required=True, help="A name of a [[signer]] table in node.toml.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write.")
@click.option("--reason", default="", help="Why it is signed; a PDF shows it.")
@click.option(
    "--level",
    type=click.Choice(_LEVELS),
    default="B",
    show_default=True,
    help="Of a PDF: T has a time-stamp by the authority of [time], LT and LTA what verifies it as well.",
)
@click.option("--form", type=click.Choice(_FORMS), help="By itself a PDF is signed inside, else beside.")
@on_the_node
def sign(  # noqa: PLR0913 - what is asked on the line, by name
    source: Path, *, name: str, out: Path, reason: str, level: str, form: str | None
) -> None:
    """Sign FILE: a PDF inside itself (PAdES), anything else by CMS beside it (GM/T 0010 with an SM2 key)."""
    from kouan.apps.signing.making import keys, office, pdf  # noqa: PLC0415 - needs Django, which is set up by now

    data = _read(source)
    signer = keys.signer(name)
    inside = data.startswith(b"%PDF-") and signer.algorithm.digest == "sha256"
    signed = office.sign(
        data,
        signer=name,
        owner=f"command:{getpass.getuser()}",
        file_name=source.name,
        form=form or ("pdf" if inside else "cms"),
        reason=reason,
        level=pdf.Level(level),
    )
    out.write_bytes(bytes(signed.result or b""))
    holder = signer.certificate.subject.human_friendly
    click.echo(_("Wrote %(out)s, signed by %(signer)s.") % {"out": out, "signer": holder})


@click.command("raise")
@click.argument("source", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write.")
@click.option("--level", type=click.Choice(_LEVELS[2:]), default="LTA", show_default=True)
@click.option("--keep", is_flag=True, help="Into the archive as well, which renews its time-stamps.")
@on_the_node
def raise_(source: Path, *, out: Path, level: str, keep: bool) -> None:
    """Raise the signatures in FILE, a PDF, to a level that proves them for as long as it is kept."""
    from kouan.apps.signing.making import longterm, pdf, renewal  # noqa: PLC0415 - needs Django, which is set up by now

    raised = longterm.raised(_read(source), level=pdf.Level(level))
    out.write_bytes(raised)
    click.echo(_("Wrote %(out)s, of the level B-%(level)s.") % {"out": out, "level": level})
    if keep:
        number = renewal.keep(raised, file_name=source.name)
        click.echo(_("It is in the archive as %s.") % number)


@click.command("archive")
@on_the_node
def archive() -> None:
    """List what is kept provable: number, state, next renewal, how often it was renewed, name, problem."""
    from kouan.apps.signing.making import renewal  # noqa: PLC0415 - needs Django, which is set up by now

    for row in renewal.kept():
        parts = (
            row.pk,
            renewal.state_of(row),
            f"{row.renew_at:%Y-%m-%d}",
            row.renewals,
            row.file_name,
            row.problem,
        )
        click.echo("\t".join(map(str, parts)).rstrip())


@click.command("access")
@click.argument("name")
@click.option("--signer", "signers", multiple=True, help="A signer that it may use; may be given again.")
@click.option("--archive", is_flag=True, help="It may look after archived documents.")
@click.option(
    "--days", type=click.IntRange(1, 1825), default=365, show_default=True, help="How long it works."
)
@on_the_node
def access(name: str, *, signers: tuple[str, ...], archive: bool, days: int) -> None:
    """Make an access token with which the program NAME signs, and print it this once."""
    from kouan.apps.signing.making import office  # noqa: PLC0415 - needs Django, which is set up by now

    click.echo(office.issue_access(name=name, signers=signers, archive=archive, life=timedelta(days=days)))
    click.echo(_("Keep it secret. It cannot be shown again."), err=True)


@click.command("revoke-access")
@click.argument("prefix")
@on_the_node
def revoke_access(prefix: str) -> None:
    """Revoke the token for signing that begins with PREFIX."""
    from kouan.apps.signing.making import office  # noqa: PLC0415 - needs Django, which is set up by now

    if not office.revoke_access(prefix=prefix.rstrip("…")):
        raise click.ClickException(_("There is no live token that begins so."))
    click.echo(_("Revoked."))


def _read(source: Path) -> bytes:
    data = source.read_bytes() if source.stat().st_size <= _MOST else b""
    if not data:
        raise click.ClickException(_("%s is empty or longer than 64 MiB.") % source)
    return data


COMMANDS: Final[tuple[click.Command, ...]] = (sign, raise_, archive, access, revoke_access)
