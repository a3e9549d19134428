"""``kouan ledger`` and ``kouan reconcile``: looking at the ledger, proving, auditing, comparing."""

from __future__ import annotations

import json
import sys
import time
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from kouan.core.exchange.models import Reconciliation
    from kouan.core.ledger.findings import Findings, Progress

_LANGUAGES: Final = click.Choice(["en", "zh-hant", "zh-hans"])
_language = click.option("--language", default="en", type=_LANGUAGES, help="Of what is printed.")
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")


def _set_up(language: str) -> None:
    import django  # noqa: PLC0415 - `kouan --help` needs no node.toml

    django.setup()
    from django.utils import translation  # noqa: PLC0415 - configured just now

    translation.activate(language)


@click.group("ledger")
def ledger() -> None:
    """Look at the ledger of this node: what it holds, proofs from it, whether all of it is sound."""


@ledger.command("show")
@_json
@_language
def show(language: str, *, as_json: bool) -> None:
    """Show the size, the newest checkpoint and who has co-signed it, and the newest time-stamp."""
    _set_up(language)
    from django.conf import settings  # noqa: PLC0415 - configured just now
    from django.utils.translation import gettext as _  # noqa: PLC0415 - as above

    from kouan.core.ledger import queries  # noqa: PLC0415 - as above

    newest = queries.latest_checkpoint()
    final = queries.newest_final(quorum=settings.NODE.quorum)
    stamp = queries.newest_stamp()
    facts = {
        "origin": f"{settings.NODE.side}.kouan/ledger",
        "entries": queries.size(),
        "checkpoint": None if newest is None else {"size": newest.size, "root": newest.root.hex()},
        "co_signed_by": [] if newest is None else list(newest.witnesses),
        "quorum": settings.NODE.quorum,
        "final": None if final is None else final.size,
        "time_stamp": None
        if stamp is None
        else {"size": stamp.size, "at": stamp.at.isoformat(), "authority": stamp.authority},
    }
    if as_json:
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    none = _("none yet")
    click.echo(f"{facts['origin']}: " + _("%(count)s entries") % {"count": facts["entries"]})
    for name, value in (
        (_("Newest checkpoint"), newest.size if newest else none),
        (_("Co-signed by"), ", ".join(newest.witnesses) if newest and newest.witnesses else none),
        (_("Newest final checkpoint"), final.size if final else none),
        (
            _("Newest time-stamp"),
            f"{stamp.size}, {stamp.at.isoformat()}, {stamp.authority}" if stamp else none,
        ),
    ):
        click.echo(f"  {name}: {value}")
    if newest is not None:
        click.echo("\n" + newest.note, nl=False)


@ledger.command("prove")
@click.argument("index", type=click.IntRange(min=0))
def prove(index: int) -> None:
    """Print the proof that entry INDEX is in the ledger under the newest final checkpoint (tlog-proof)."""
    _set_up("en")
    from django.conf import settings  # noqa: PLC0415 - configured just now

    from kouan.core.ledger import queries  # noqa: PLC0415 - as above
    from kouan.core.ledger.errors import LedgerRangeError  # noqa: PLC0415 - as above

    row = queries.newest_final(quorum=settings.NODE.quorum)
    if row is None or row.size <= index:
        raise LedgerRangeError(asked=f"entry {index}", size=0 if row is None else row.size)
    click.echo(queries.proof(index, queries.checkpoint_record(row)).text(), nl=False)


@ledger.command("audit")
@click.option("--signatures", is_flag=True, help="Verify the signature of every batch and receipt too.")
@_json
@_language
def audit_command(language: str, *, as_json: bool, signatures: bool) -> None:
    """Recompute the whole ledger and hold the channel against it. Exit status 1 if anything is wrong."""
    _set_up(language)
    from kouan.core.exchange.audit import audit  # noqa: PLC0415 - configured just now

    began = time.monotonic()
    with click.progressbar(length=1, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        findings = audit(_shown(bar), signatures=signatures)
    seconds = time.monotonic() - began
    if as_json:
        click.echo(json.dumps(_facts(findings, seconds), indent=2, ensure_ascii=False))
    else:
        _print(findings, seconds)
    sys.exit(0 if findings.holds else 1)


def _shown(bar: Any) -> Progress:
    def progress(done: int, total: int) -> None:
        bar.length = total
        bar.update(done - bar.pos)

    return progress


def _facts(findings: Findings, seconds: float) -> dict[str, Any]:
    names: tuple[str, ...] = ("entries", "erased", "tiles", "checkpoints", "signed_twice", "cosignatures")
    names += ("stamps", "batches", "messages", "unknown_keys")
    return {
        "holds": findings.holds,
        **{name: getattr(findings, name) for name in names},
        "seconds": round(seconds, 2),
        "problems": [
            {"where": each.where, "code": each.code, "what": each.text} for each in findings.problems
        ],
        "more_problems": findings.more,
    }


def _print(findings: Findings, seconds: float) -> None:
    from django.utils.translation import gettext as _  # noqa: PLC0415 - configured by now

    for problem in findings.problems:
        click.echo(f"✗ {problem.where}: {problem.text}")
    if findings.more:
        click.echo(_("… and %(count)s more problems.") % {"count": findings.more})
    words = (
        (_("entries"), findings.entries),
        (_("of these erased"), findings.erased),
        (_("tiles"), findings.tiles),
        (_("checkpoints"), findings.checkpoints),
        (_("of these signed by SM2 too"), findings.signed_twice),
        (_("co-signatures"), findings.cosignatures),
        (_("time-stamps"), findings.stamps),
        (_("batches"), findings.batches),
        (_("messages"), findings.messages),
        (_("signatures by keys unknown here"), findings.unknown_keys),
    )
    click.echo(", ".join(f"{name}: {count}" for name, count in words) + f" ({seconds:.1f} s)")
    if findings.holds:
        click.echo(_("The ledger is sound, and the channel agrees with it."))
    else:
        click.echo(_("The ledger or the channel is NOT sound. Keep a copy of the database."))


@click.command("reconcile")
@click.option("--peer", default="", help="The side to compare with; by default each one.")
@click.option("--day", default="", metavar="YYYY-MM-DD", help="A day in UTC+8; by default yesterday.")
@click.option("--wait", default=60, show_default=True, help="Seconds to wait for the other side's part.")
@_json
@_language
def reconcile(peer: str, day: str, wait: int, language: str, *, as_json: bool) -> None:
    """Compare with the other side what each sent and received on a day. Exit status 1 unless both agree.

    The workers of both nodes do the comparing; they must be running.
    """
    _set_up(language)
    from django.utils import timezone  # noqa: PLC0415 - configured just now

    from kouan.core.exchange import reconciling  # noqa: PLC0415 - as above
    from kouan.core.exchange.models import Reconciliation  # noqa: PLC0415 - as above
    from kouan.core.policy.decide import TERM_ZONE  # noqa: PLC0415 - as above
    from kouan.core.trust.queries import get_member, members  # noqa: PLC0415 - as above

    peers = [get_member(peer).side] if peer else [member.side for member in members()]
    which = _day(day, timezone.now().astimezone(TERM_ZONE))
    rows = [reconciling.begin(each, which) for each in peers]
    deadline = time.monotonic() + wait
    open_ones = Reconciliation.objects.filter(pk__in=[row.pk for row in rows], state="under-way")
    while open_ones.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    rows = list(Reconciliation.objects.filter(pk__in=[row.pk for row in rows]).order_by("peer"))
    if as_json:
        click.echo(json.dumps([_compared(row) for row in rows], indent=2, ensure_ascii=False))
    else:
        for row in rows:
            _print_compared(row)
    sys.exit(0 if rows and all(row.state == "agrees" for row in rows) else 1)


def _day(text: str, now: datetime) -> date:
    if not text:
        return now.date() - timedelta(days=1)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise click.ClickException(f"--day {text}: write a day as 2026-01-31.") from None
    if day > now.date():
        raise click.ClickException(f"--day {text}: this day has not begun.")
    return day


def _compared(row: Reconciliation) -> dict[str, Any]:
    return {
        "peer": row.peer,
        "day": row.day.isoformat(),
        "state": row.state,
        "code": row.code,
        "streams": row.streams,
        "unnamed": row.unnamed,
        "differences": [
            {"stream": each.stream, "number": each.number, "message": str(each.message_id), "what": each.what}
            for each in row.differences.order_by("stream", "number", "message_id")
        ],
    }


def _print_compared(row: Reconciliation) -> None:
    from kouan.core.exchange.comparison_words import state_sentence, what_sentence  # noqa: PLC0415 - configured by now

    click.echo(f"{row.peer} {row.day}: {state_sentence(row)}")
    for side, stream in sorted(row.streams.items()):
        click.echo(f"  {side}: {stream['count']} ({stream['first']}–{stream['last']})")
    for each in row.differences.order_by("stream", "number", "message_id"):
        click.echo(f"  ✗ {each.stream} {each.number} {each.message_id}: {what_sentence(each.what)}")
