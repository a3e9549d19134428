"""``kouan trust``: showing, exporting and importing trust documents, and giving keys successors."""

from __future__ import annotations

import getpass
from datetime import timedelta
from pathlib import Path

import click
from django.utils.translation import gettext as _

from kouan.core.running import on_the_node_or_a_file
from kouan.core.trust import document
from kouan.core.trust.keys import KeyUse
from kouan.core.trust.member import MemberKeys


@click.group()
def trust() -> None:
    """Keys and trust documents: who this side is, and whom it knows."""


@trust.command()
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; else it is shown."
)
@on_the_node_or_a_file
def export(out: Path | None) -> None:
    """Write this side's trust document, to give to another side."""
    from kouan.core.trust import services  # noqa: PLC0415 - needs Django's models, which are set up by now

    data = services.export_document()
    if out is None:
        click.echo(data, nl=False)
        return
    out.write_bytes(data)
    click.echo(_("Wrote %s. Tell the other side this fingerprint by another way:") % out)
    click.echo(document.grouped(MemberKeys.from_bytes(data).fingerprint))


@trust.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--fingerprint", help="The fingerprint that the other side told you by another way.")
@click.option("--replace-anchor", is_flag=True, help="The other side confirmed that its anchor is a new one.")
@on_the_node_or_a_file
def import_(file: Path, fingerprint: str | None, replace_anchor: bool) -> None:  # noqa: FBT001 - click's flag
    """Take another side's trust document into use."""
    from kouan.core.trust import services  # noqa: PLC0415 - needs Django's models, which are set up by now

    row = services.import_document(
        _read(file),
        expected_fingerprint=fingerprint,
        imported_by=user(),
        replace_anchor=replace_anchor,
    )
    click.echo(
        _("%(side)s is trusted with its document %(serial)d.") % {"side": row.side, "serial": row.serial}
    )


@trust.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@on_the_node_or_a_file
def show(file: Path | None) -> None:
    """Show the trust document in FILE, or else this side's own and those of all members."""
    if file is not None:
        _print(MemberKeys.from_bytes(_read(file)))
        return
    from kouan.core.trust import queries  # noqa: PLC0415 - needs Django's models, which are set up by now

    _print(queries.own().public)
    for member in queries.members():
        click.echo()
        _print(member)


@trust.command()
@click.argument("use", type=click.Choice([use.value for use in KeyUse]))
@click.option(
    "--overlap-days",
    type=click.IntRange(0, 365),
    default=14,
    show_default=True,
    help="How long the old key goes on.",
)
@click.option("--now", "soon", is_flag=True, help="End the old key as soon as every side has acknowledged.")
@on_the_node_or_a_file
def rotate(use: str, overlap_days: int, soon: bool) -> None:  # noqa: FBT001 - click's flag
    """Make a successor to a key; the worker tells the other sides. For an exposed key: compromise."""
    from kouan.core.trust import services  # noqa: PLC0415 - needs Django's models, which are set up by now

    _print(services.rotate_key(KeyUse(use), overlap=timedelta(days=overlap_days), soon=soon).public)


@trust.command("end-sm2")
@on_the_node_or_a_file
def end_sm2() -> None:
    """Sign once from now on, without SM2; the other sides are told, and see it as an incident."""
    from kouan.core.trust import services  # noqa: PLC0415 - needs Django's models, which are set up by now

    _print(services.end_second_signature().public)


def _print(member: MemberKeys) -> None:
    content = member.trust.content
    lines = [
        (_("Side"), member.side),
        (_("Fingerprint"), document.grouped(member.fingerprint)),
        (_("Door"), member.door_url),
        (_("Ledger"), member.log_origin),
        (_("Suites"), ", ".join(str(suite) for suite in member.suites)),
        (_("Document"), f"{member.serial}, {member.trust.issued:%Y-%m-%d %H:%M} UTC, {member.trust.digest}"),
    ]
    lines += [
        (
            _("Key"),
            f"{key.use.value:8} {key.alg:26} {key.kid.hex()} {key.since:%Y-%m-%d} – {key.until:%Y-%m-%d}",
        )
        for key in content.keys
    ]
    for label, text in lines:
        click.echo(f"{label + ':':13} {text}")


def _read(file: Path) -> bytes:
    with file.open("rb") as stream:
        # One byte more than is allowed is enough for the parser to refuse it.
        return stream.read(document.MAX_DOCUMENT_BYTES + 1)


def user() -> str:
    """Return who runs the program, as the operating system knows them."""
    try:
        return getpass.getuser()[:150]
    except (KeyError, OSError):
        return ""
