"""A message's evidence told in the order in which things happened, for ``kouan verify`` and a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import get_language, gettext

from kouan.core.exchange.times import from_milliseconds
from kouan.core.sides import side_name

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.core.exchange.report import MessageFacts, Report


_LONGEST: Final = 100


def events(message: MessageFacts, report: Report) -> list[tuple[datetime, str]]:
    """Return what happened and when, oldest first, each a sentence; only what was found to hold."""
    found: list[tuple[datetime, str]] = []
    header, statement, receipt, entry = message.header, message.statement, message.receipt, message.entry
    if header is None:
        return found
    names = {"sender": side_name(header.sender), "receiver": side_name(header.receiver)}
    found.append((from_milliseconds(header.created), gettext("%(sender)s made the message.") % names))
    if statement is not None:
        text = gettext("%(sender)s gave it number %(number)s, sealed it to %(receiver)s and signed for it.")
        found.append((from_milliseconds(statement.sealed_at), text % {**names, "number": header.sequence}))
    if receipt is not None:
        text = (
            gettext("%(receiver)s accepted it and signed a receipt: entry %(place)s of its ledger.")
            if message.accepted
            else gettext(
                "%(receiver)s refused it (%(code)s) and signed for that: entry %(place)s of its ledger."
            )
        )
        place = receipt.log_first + header.sequence - (statement.first if statement else header.sequence)
        words = {**names, "place": place, "code": message.code}
        found.append((from_milliseconds(receipt.accepted_at), text % words))
    if entry is not None:
        words = {"keeper": side_name(report.made_by), "index": entry.index, "size": entry.size}
        for each in message.cosigned:
            text = gettext(
                "%(witness)s co-signed the ledger of %(keeper)s at %(size)s entries; it is entry %(index)s."
            )
            found.append((each.at, text % {**words, "witness": witness(each.name)}))
        if message.stamp is not None:
            text = gettext("%(authority)s stamped that ledger with this time.")
            found.append((message.stamp.at, text % {"authority": message.stamp.authority}))
    if report.made_at is not None:
        found.append(
            (report.made_at, gettext("%(maker)s made this evidence.") % {"maker": side_name(report.made_by)})
        )
    # Some of these times are whole seconds: within one, things stand as they follow from each other.
    return sorted(found, key=lambda each: each[0].replace(microsecond=0))


def witness(name: str) -> str:
    """Return the name of the side whose witness key has this name; any other name stays as it is."""
    code, dot, rest = name.partition(".")
    return side_name(code) if dot and rest == "kouan/witness" else name


def in_language(texts: Any) -> str:
    """Return the active language's text of a map, if it is one that has it."""
    if not isinstance(texts, dict):
        return ""
    text = texts.get(get_language() or "en", texts.get("en", ""))
    return text if isinstance(text, str) else ""


def clause_of(message: MessageFacts, report: Report) -> dict[str, Any]:
    """Return the clause of the agreement that a message relies on, as the agreement has it."""
    header = message.header
    agreement = None if header is None else report.agreements.get(header.agreement_digest)
    clauses = agreement.get("clauses") if agreement is not None else None
    for clause in clauses if isinstance(clauses, list) else []:
        if header is not None and isinstance(clause, dict) and clause.get("id") == header.clause:
            return clause
    return {}


def declaration_of(message: MessageFacts, report: Report) -> dict[str, Any]:
    """Return what the maker's node declares of a message's type; empty if the bundle does not say."""
    if message.header is None:
        return {}
    return dict(report.declarations.get((message.header.type, message.header.version), {}))


def fields(payload: object) -> list[tuple[str, str]]:
    """Return the fields of a payload that hold something, as a person reads them."""
    if not isinstance(payload, dict):
        return []
    held = [(str(name)[:_LONGEST], shown(value)) for name, value in payload.items() if value is not None]
    return held[:_LONGEST] + ([("…", "")] if len(held) > _LONGEST else [])


def shown(value: object) -> str:
    """Return a payload's value as a person reads it, cut to a bearable length."""
    if isinstance(value, bytes):
        return value.hex()[:_LONGEST]
    if isinstance(value, dict):
        return "; ".join(f"{name}: {shown(inner)}" for name, inner in value.items())[: 3 * _LONGEST]
    return str(value)[: 3 * _LONGEST]


def as_json(report: Report) -> dict[str, Any]:
    """Return a report for programs."""
    return {
        "holds": report.holds,
        "made_by": report.made_by,
        "made_at": _iso(report.made_at),
        "fingerprints": report.fingerprints,
        "witnesses": report.witnesses,
        "time_authorities": report.authorities,
        "altered": report.altered,
        "checks": [
            {"part": each.part, "what": gettext(each.what), "holds": each.holds, "problem": each.problem}
            for each in report.checks
        ],
        "messages": [_message_json(each, report) for each in report.messages],
    }


def _message_json(message: MessageFacts, report: Report) -> dict[str, Any]:
    value: dict[str, Any] = {"number": message.number}
    header, statement, receipt = message.header, message.statement, message.receipt
    if header is not None:
        clause = clause_of(message, report)
        value |= {
            "id": str(header.id),
            "type": header.type,
            "version": header.version,
            "from": header.sender,
            "to": header.receiver,
            "sequence": header.sequence,
            "made": _iso(from_milliseconds(header.created)),
            "expires": _iso(from_milliseconds(header.expires)),
            "agreement": header.agreement,
            "clause": header.clause,
            "clause_text": in_language(clause.get("text")),
            "legal_basis": _text(clause.get("legal_basis")),
            "purpose": in_language(declaration_of(message, report).get("purpose")),
            "consent": header.consent,
        }
    value["payload"] = plain(message.payload)
    if statement is not None:
        value["sealed"] = _iso(from_milliseconds(statement.sealed_at))
    if receipt is not None:
        value["receipt"] = {
            "by": receipt.sender,
            "at": _iso(from_milliseconds(receipt.accepted_at)),
            "accepted": message.accepted,
            "code": message.code,
        }
    if message.entry is not None:
        entry = message.entry
        value["ledger"] = {
            "origin": entry.origin,
            "index": entry.index,
            "size": entry.size,
            "root": entry.root.hex(),
        }
        value["co_signed"] = [{"by": each.name, "at": _iso(each.at)} for each in message.cosigned]
    if message.stamp is not None:
        stamp = message.stamp
        value["time_stamp"] = {
            "at": _iso(stamp.at),
            "authority": stamp.authority,
            "policy": stamp.policy,
            "serial": str(stamp.serial),
            "root": stamp.root_fingerprint,
        }
    value["story"] = [{"at": _iso(at), "what": what} for at, what in events(message, report)]
    return value


def plain(value: object) -> Any:
    """Return a payload as JSON can hold it: bytes in hexadecimal, whatever else as text."""
    match value:
        case bytes():
            return value.hex()
        case dict():
            return {str(key): plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
        case None | bool() | int() | str():
            return value
        case float():
            return value if value == value and abs(value) != float("inf") else str(value)  # noqa: PLR0124 - NaN is not itself
        case _:
            return str(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="milliseconds")
