"""The register of flows and what was denied as files for programs: CSV and JSON.

Names of columns and values are English, times are UTC. No person is in either: kinds of data, numbers, codes.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from kouan.apps.dataflow.judging import told_of
from kouan.apps.dataflow.queries import flows
from kouan.apps.dataflow.queries import register as lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kouan.apps.dataflow.queries.contracts import Reach

MOST: Final = 10_000
"""Denied crossings in a file, the newest; the pages have all of them."""
SCHEMA: Final = "urn:kouan:data-flows:1"
REGISTER: Final = (
    "rests_on", "sender", "exporter", "exporter_name", "receiver", "importer", "importer_name", "basis",
    "number", "clauses", "elements", "what_for", "in_force", "state", "crossed", "denied", "last_at",
)  # fmt: skip
"""The columns of the register, in order."""
DENIED: Final = (
    "at", "when", "sender", "receiver", "type", "rests_on", "clause", "code", "elements", "purpose",
    "message", "decision",
)  # fmt: skip
"""The columns of what was denied, in order. ``when``: ``before-it-left``, ``on-arrival``, ``on-the-way``."""


def register(reach: Reach) -> list[dict[str, Any]]:
    """Return every line of the register in reach."""
    found, _more = lines.register(reach, most=None)
    return [
        {
            "rests_on": each.rests.value,
            "sender": each.exporter.side,
            "exporter": each.exporter.code,
            "exporter_name": each.exporter.name.en,
            "receiver": each.importer.side,
            "importer": each.importer.code,
            "importer_name": each.importer.name.en,
            "basis": each.basis,
            "number": each.number,
            "clauses": list(each.clauses),
            "elements": list(each.elements),
            "what_for": list(each.codes),
            "in_force": each.in_force,
            "state": each.state,
            "crossed": each.crossed,
            "denied": each.denied,
            "last_at": None if each.last_at is None else _utc(each.last_at),
        }
        for each in found
    ]


def denied(reach: Reach) -> list[dict[str, Any]]:
    """Return the newest of what was denied in reach: by decisions of this node, and on the way."""
    rows = [
        {
            "at": _utc(each.at),
            "when": "before-it-left" if each.outgoing else "on-arrival",
            "sender": each.sender,
            "receiver": each.receiver,
            "type": each.type,
            "rests_on": "" if each.contract is None else str(each.contract),
            "clause": each.clause,
            "code": each.code,
            "elements": list(told_of(each.case["elements"])),
            "purpose": each.case["purpose"],
            "message": None if each.message_id is None else str(each.message_id),
            "decision": each.pk,
        }
        for each in flows.decided(reach, most=MOST)
    ]
    if reach is None:
        rows += [
            {
                "at": _utc(each.at),
                "when": "on-the-way",
                "sender": settings.NODE.side if each.outgoing else each.peer,
                "receiver": each.peer if each.outgoing else settings.NODE.side,
                "type": each.type,
                "rests_on": each.agreement,
                "clause": each.clause,
                "code": each.code,
                "elements": [],
                "purpose": "",
                "message": str(each.message_id),
                "decision": None,
            }
            for each in flows.refused(most=MOST)
        ]
    return sorted(rows, key=lambda each: str(each["at"]), reverse=True)[:MOST]


def as_csv(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> bytes:
    """Return CSV (RFC 4180) with a heading; a list has spaces between its values."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(columns)
    table.writerows([_cell(row[column]) for column in columns] for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()  # with the mark, spreadsheets read it as UTF-8


def as_json(name: str, rows: Sequence[dict[str, Any]]) -> bytes:
    """Return the same as JSON."""
    said = {"schema": SCHEMA, "side": settings.NODE.side, name: rows}
    return (json.dumps(said, ensure_ascii=False, indent=2) + "\n").encode()


def _cell(value: object) -> object:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list():
            return _cell(" ".join(map(str, value)))
        case str() if value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
            return f"'{value}"  # a spreadsheet would run it as a formula
    return value


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
