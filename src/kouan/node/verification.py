"""``kouan verify``: the report on an evidence bundle, in words, with no network and no database."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, Final

import click

from kouan.core.words import speak_without_a_node

if TYPE_CHECKING:
    from pathlib import Path

    from kouan.core.exchange.findings import MessageFacts, Report
    from kouan.core.trust.member import MemberKeys

_LONGEST: Final = 100
_LONGEST_LINE: Final = 2000
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_COLUMN: Final = 15


def print_report(
    path: Path,
    trust: tuple[str, ...],
    language: str,
    *,
    problems_only: bool = False,
    newer: tuple[Path, ...] = (),
) -> bool:
    """Check the bundle at ``path``, print what was found, and return whether everything holds."""
    speak_without_a_node()
    from django.utils import translation  # noqa: PLC0415 - configured just now

    from kouan.core.exchange.bundle import MAX_BUNDLE  # noqa: PLC0415 - needs translations
    from kouan.core.exchange.verify import verify_bundle  # noqa: PLC0415 - as above

    trusted = _trusted(trust)
    with path.open("rb") as file:
        data = file.read(MAX_BUNDLE + 1)  # one more is refused by its size
    with translation.override(language):
        report = verify_bundle(data, trusted=trusted, newer=[_document(file) for file in newer])
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
        digits = "".join(character for character in fingerprint.lower() if character not in " :-")
        if not separator or not side or len(digits) != 64 or set(digits) - set("0123456789abcdef"):  # noqa: PLR2004 - SHA-256 in hex
            raise click.ClickException(f"--trust {pair}: write SIDE=FINGERPRINT, with 64 hexadecimal digits.")
        trusted[side.strip().lower()] = digits
    return trusted


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

    from kouan.core.exchange.times import from_milliseconds  # noqa: PLC0415 - as above

    lines = ["", _("Message %(number)s") % {"number": message.number}]

    def fact(name: str, value: object) -> None:
        lines.append(f"  {name}{' ' * max(1, _COLUMN - _width(name))}{value}")

    header = message.header
    if header is not None:
        fact(_("what"), f"{header.type}/{header.version}")
        fact(_("from, to"), f"{header.sender} → {header.receiver}")
        fact(_("made"), from_milliseconds(header.created).isoformat(timespec="seconds"))
        fact(_("on the basis of"), f"{header.agreement}, {header.clause}")
        clause = _clause(report.agreements.get(header.agreement_digest), header.clause)
        if clause:
            fact("", f"“{clause}”")
    # The content is the other side's words: a bar keeps its fields from passing for findings.
    lines += [f"  │ {name:<12} {value}" for name, value in _payload(message.payload)]
    if message.receipt is not None:
        at = from_milliseconds(message.receipt.accepted_at).isoformat(timespec="seconds")
        verdict = (
            _("accepted by %(side)s at %(at)s") if message.accepted else _("refused by %(side)s at %(at)s")
        )
        fact(_("receipt"), verdict % {"side": message.receipt.sender, "at": at})
    if message.entry is not None:
        witnesses = ", ".join(
            f"{each.name} {each.at.isoformat(timespec='seconds')}" for each in message.entry.witnesses
        )
        fact(_("ledger"), f"{message.entry.origin}, {message.entry.index} / {message.entry.size}")
        fact(_("co-signed by"), witnesses)
    return lines


def _width(text: str) -> int:
    """Return how many columns a terminal gives a text: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _clause(agreement: Any, clause: str) -> str:
    """Return a clause's words in the active language, if the agreement has them where they belong."""
    from django.utils.translation import get_language  # noqa: PLC0415 - configured by now

    try:
        texts = next(item["text"] for item in agreement["clauses"] if item["id"] == clause)
        return str(texts.get(get_language() or "en", texts["en"]))
    except (KeyError, TypeError, StopIteration, AttributeError):
        return ""


def _payload(payload: object) -> list[tuple[str, str]]:
    if not isinstance(payload, dict):
        return []
    fields = [(str(name)[:_LONGEST], shown(value)) for name, value in payload.items() if value is not None]
    return fields[:_LONGEST] + ([("…", "")] if len(fields) > _LONGEST else [])


def shown(value: object) -> str:
    """Return a payload's value as a person reads it, cut to a bearable length."""
    if isinstance(value, bytes):
        return value.hex()[:_LONGEST]
    if isinstance(value, dict):
        return "; ".join(f"{name}: {shown(inner)}" for name, inner in value.items())[: 3 * _LONGEST]
    return str(value)[: 3 * _LONGEST]
