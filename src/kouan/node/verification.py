"""``kouan verify``: the report on an evidence bundle, in words, with no network and no database."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from kouan.core.words import speak_without_a_node

if TYPE_CHECKING:
    from pathlib import Path

    from kouan.core.exchange.report import MessageFacts, Report
    from kouan.core.trust.member import MemberKeys

_LONGEST_LINE: Final = 2000
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_COLUMN: Final = 15


@dataclass(frozen=True, slots=True)
class Known:
    """What the reader knows from elsewhere, as it was given: whom to trust, and for what."""

    sides: tuple[str, ...] = ()
    """``SIDE=FINGERPRINT``."""
    witnesses: tuple[str, ...] = ()
    """Verifier keys of witnesses that are no side."""
    authorities: tuple[str, ...] = ()
    """SHA-256 fingerprints of the roots of time-stamping authorities."""
    quorum: int = 1
    documents: tuple[Path, ...] = ()
    """The sides' present trust documents."""


def print_report(  # noqa: PLR0913 - one thing asked for each
    path: Path,
    trust: tuple[str, ...],
    language: str,
    *,
    problems_only: bool = False,
    as_json: bool = False,
    known: Known | None = None,
) -> bool:
    """Check the bundle at ``path``, print what was found, and return whether everything holds."""
    speak_without_a_node()
    from django.utils import translation  # noqa: PLC0415 - configured just now

    from kouan.core.exchange import story  # noqa: PLC0415 - as above
    from kouan.core.exchange.bundle import MAX_BUNDLE  # noqa: PLC0415 - needs translations
    from kouan.core.exchange.verify import verify_bundle  # noqa: PLC0415 - as above

    known = known or Known()
    trusted = _trusted(trust or known.sides)
    with path.open("rb") as file:
        data = file.read(MAX_BUNDLE + 1)  # one more is refused by its size
    with translation.override(language):
        report = verify_bundle(
            data,
            trusted=trusted,
            witnesses={key.partition("+")[0]: key for key in known.witnesses},
            authorities=[_digits(each, "--authority") for each in known.authorities],
            quorum=known.quorum,
            newer=[_document(file) for file in known.documents],
        )
        if as_json:
            # JSON escapes what a terminal might obey.
            click.echo(json.dumps(story.as_json(report), indent=2, ensure_ascii=True))
            return report.holds
        for line in _lines(report, trusted, problems_only=problems_only):
            click.echo(_plain(line))
    return report.holds


def _document(path: Path) -> MemberKeys:
    from kouan.core.trust.document import MAX_DOCUMENT_BYTES  # noqa: PLC0415 - needs translations
    from kouan.core.trust.member import MemberKeys  # noqa: PLC0415 - as above

    with path.open("rb") as file:
        return MemberKeys.from_bytes(file.read(MAX_DOCUMENT_BYTES + 1))


def _plain(line: str) -> str:
    """Return a line that stays one on any terminal, whoever chose its words.

    Control characters could move the cursor, hide what follows or turn the reading direction, and so
    write another verdict over ours.
    """
    text = line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"
    return "".join("\ufffd" if unicodedata.category(one) in _UNPRINTABLE else one for one in text)


def _trusted(pairs: tuple[str, ...]) -> dict[str, str]:
    trusted = {}
    for pair in pairs:
        side, separator, fingerprint = pair.partition("=")
        if not separator or not side:
            raise click.ClickException(f"--trust {pair}: write SIDE=FINGERPRINT, with 64 hexadecimal digits.")
        trusted[side.strip().lower()] = _digits(fingerprint, "--trust")
    return trusted


def _digits(fingerprint: str, option: str) -> str:
    digits = "".join(character for character in fingerprint.lower() if character not in " :-")
    if len(digits) != 64 or set(digits) - set("0123456789abcdef"):  # noqa: PLR2004 - SHA-256 in hex
        raise click.ClickException(f"{option} {fingerprint}: write a fingerprint of 64 hexadecimal digits.")
    return digits


def _lines(report: Report, trusted: dict[str, str], *, problems_only: bool) -> list[str]:
    from django.utils.translation import gettext as _  # noqa: PLC0415 - configured by now

    lines = []
    for message in [] if problems_only else report.messages:
        lines += _message(message, report)
    lines += ["", _("Checks")]
    for check in report.problems if problems_only else report.checks:
        lines.append(f"  {'✓' if check.holds else '✗'} {check.part}: {_(check.what)}")
        if check.problem:
            lines.append(f"      {check.problem}")
        if check.remark:
            lines.append(f"      ! {check.remark}")
    return [*lines, *([] if problems_only else _keys(report, trusted)), "", *_verdict(report, trusted)]


def _keys(report: Report, trusted: dict[str, str]) -> list[str]:
    from django.utils.translation import gettext as _  # noqa: PLC0415 - configured by now

    from kouan.core.trust.document import grouped  # noqa: PLC0415 - as above

    lines = ["", _("Keys")] if report.fingerprints else []
    for side, fingerprint in sorted(report.fingerprints.items()):
        known = (
            _("as you gave it") if side in trusted else _("compare it with the one that the side publishes")
        )
        lines.append(f"  {side}  {grouped(fingerprint)}  ({known})")
    lines += [f"  {key}" for key in report.witnesses.values()]
    for fingerprint, authority in report.authorities.items():
        lines.append(f"  {authority}  {grouped(fingerprint)}")
    return lines


def _verdict(report: Report, trusted: dict[str, str]) -> list[str]:
    from django.utils.translation import gettext as _  # noqa: PLC0415 - configured by now

    if report.holds:
        lines = [_("The evidence holds. Messages proved: %(count)s.") % {"count": len(report.messages)}]
        if compare := sorted(set(report.fingerprints) - set(trusted)):
            lines.append(
                _("Whose keys these are, only comparing the fingerprints tells. Not compared: %(sides)s.")
                % {"sides": ", ".join(compare)}
            )
        return lines
    lines = [_("The evidence does NOT hold.")]
    if report.altered:
        lines.append(
            _("Changed after the bundle was made: %(parts)s.") % {"parts": ", ".join(report.altered)}
        )
    others = [
        part for part in dict.fromkeys(check.part for check in report.problems) if part not in report.altered
    ]
    if others:
        lines.append(_("Not sound, or not provable because of it: %(parts)s.") % {"parts": ", ".join(others)})
    return lines


def _message(message: MessageFacts, report: Report) -> list[str]:
    from django.utils.translation import gettext as _  # noqa: PLC0415 - configured by now

    from kouan.core.exchange import story  # noqa: PLC0415 - as above
    from kouan.core.sides import side_name  # noqa: PLC0415 - as above

    lines = ["", _("Message %(number)s") % {"number": message.number}]

    def fact(name: str, value: object) -> None:
        if value:
            lines.append(f"  {name}{' ' * max(1, _COLUMN - _width(name))}{value}")

    header = message.header
    if header is not None:
        declared, clause = story.declaration_of(message, report), story.clause_of(message, report)
        title = story.in_language(declared.get("title"))
        fact(
            _("what"),
            f"{title} ({header.type}/{header.version})" if title else f"{header.type}/{header.version}",
        )
        fact(_("from, to"), f"{side_name(header.sender)} → {side_name(header.receiver)}")
        fact(_("message"), header.id)
        fact(_("what for"), story.in_language(declared.get("purpose")))
        fact(_("legal basis"), clause.get("legal_basis", ""))
        fact(_("agreement"), f"{header.agreement}, {header.clause}")
        text = story.in_language(clause.get("text"))
        fact(_("its clause"), f"“{text}”" if text else "")
    # The content is the other side's words: a bar keeps its fields from passing for findings.
    lines += [f"  │ {name:<12} {value}" for name, value in story.fields(message.payload)]
    happened = story.events(message, report)
    heading = _("What happened")
    lines += [f"  {heading}"] if happened else []
    lines += [f"    {at.isoformat(timespec='seconds')}  {what}" for at, what in happened]
    return lines


def _width(text: str) -> int:
    """Return how many columns a terminal gives a text: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
