"""A plan and its progress as JSON, JSON-LD and CSV: what is public, and no more."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext, pgettext

from kouan.apps.programme.plan import labels
from kouan.core.sides import get_side, side_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.apps.programme.models import JointMeeting, Report
    from kouan.apps.programme.plan.domain import Line, Passage
    from kouan.apps.programme.plan.queries import Board, Card, Trace

_LANGUAGES: Final = {"en": "en", "zh_hant": "zh-Hant", "zh_hans": "zh-Hans"}
CONTEXT: Final = {
    "schema": "https://schema.org/",
    "dcterms": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def as_json(board: Board) -> dict[str, Any]:
    """Return a plan in effect and how it stands."""
    return {
        "plan": board.plan.plan,
        "year": board.plan.year,
        "sides": board.plan.sides,
        "version": board.plan.version,
        "digest": bytes(board.row.digest).hex(),
        "until": board.until.isoformat(),
        "text": board.plan.model_dump(mode="json", by_alias=True),
        "items": [_item(card) for card in board.cards],
        "reports": [report_json(each, board.traces[each.key]) for each in board.reports],
    }


def report_json(report: Report, trace: Trace) -> dict[str, Any]:
    """Return one report and where it crossed."""
    return {
        "id": str(report.key),
        "side": report.side,
        "item": report.item,
        "about": report.about,
        "part": report.part or None,
        "value": report.value,
        "day": report.day.isoformat(),
        "source": report.source,
        "by_node": report.by_node,
        "note": report.note,
        "message": str(trace.message),
        "ledger_index": trace.index,
        "peer_ledger_index": trace.peer_index,
    }


def _item(card: Card) -> dict[str, Any]:
    return {
        "id": card.item.id,
        "area": card.area.id,
        "standing": card.standing.value,
        "said": {side: value and value.value for side, value in card.said.items()},
        "milestones": [
            {
                "id": step.milestone.id,
                "due": step.milestone.due,
                "done": step.done is not None,
                "report": str(step.done.key) if step.done else None,
            }
            for step in card.steps
        ],
        "measures": [
            {
                "id": figure.measure.id,
                "value": figure.text or None,
                "reached": figure.reached,
                "reports": [str(each.key) for each in figure.of],
                "missing": list(figure.missing),
            }
            for figure in card.figures
        ],
    }


def as_jsonld(board: Board, address: str) -> bytes:
    """Return a plan as JSON-LD 1.1 in the words of schema.org and PROV; ``address`` is its page."""
    plan = board.plan
    by = {each.key: each for each in board.reports}
    graph: list[dict[str, Any]] = [
        {
            "@id": address,
            "@type": "schema:Project",
            "schema:identifier": plan.plan,
            "schema:startDate": _day(plan.first_day),
            "schema:endDate": _day(plan.last_day),
            "schema:version": plan.version,
            "schema:member": [
                {
                    "@type": "schema:GovernmentOrganization",
                    "schema:name": _names(get_side(side).name.as_mapping()),
                }
                for side in plan.sides
            ],
            "schema:hasPart": [{"@id": f"{address}items/{card.item.id}/"} for card in board.cards],
        }
    ]
    for card in board.cards:
        graph.append(
            {
                "@id": f"{address}items/{card.item.id}/",
                "@type": "schema:Project",
                "schema:name": _texts(card.item.title),
                "schema:description": _texts(card.item.deliverable),
                "schema:about": _texts(card.area.title),
                "schema:status": card.standing.value,
                "schema:variableMeasured": [
                    {
                        "@id": f"{address}items/{card.item.id}/#{figure.measure.id}",
                        "@type": "schema:PropertyValue",
                        "schema:name": _texts(figure.measure.title),
                        "schema:unitText": _texts(figure.measure.unit),
                        "schema:minValue": figure.measure.baseline,
                        "schema:maxValue": figure.measure.target,
                        **({"schema:value": figure.text} if figure.text else {}),
                        "prov:wasDerivedFrom": [{"@id": f"urn:uuid:{each.key}"} for each in figure.of],
                    }
                    for figure in card.figures
                ],
            }
        )
        for figure in card.figures:
            graph += [
                {
                    "@id": f"urn:uuid:{each.key}",
                    "@type": "schema:Observation",
                    "schema:value": each.value,
                    "schema:observationDate": _day(each.day.isoformat()),
                    "dcterms:source": each.source,
                    "prov:wasAttributedTo": side_name(each.side),
                    "dcterms:identifier": f"urn:uuid:{by[each.key].message_id}",
                }
                for each in figure.of
            ]
    return json.dumps({"@context": CONTEXT, "@graph": graph}, ensure_ascii=False, indent=2).encode()


def as_csv(board: Board) -> bytes:
    """Return a plan's items and measures as a table (RFC 4180) in the reader's language, a measure a row."""
    output = io.StringIO()
    # Excel takes a file without this mark for another encoding.
    output.write("\ufeff")
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow(
        [
            gettext("Area"), gettext("Item"), pgettext("item", "How it stands"), gettext("Next milestone"),
            gettext("Measure"), gettext("Unit"), gettext("Baseline"), gettext("Target"), gettext("Figure"),
            gettext("Reported on"), gettext("Source"), gettext("Message"),
        ]
    )  # fmt: skip
    by = {each.key: each for each in board.reports}
    for card in board.cards:
        step = card.next_step
        head = [
            str(card.area.title),
            str(card.item.title),
            str(labels.STANDINGS[card.standing]),
            f"{step.milestone.due} {step.milestone.title}" if step else "",
        ]
        for figure in card.figures:
            measure = figure.measure
            days = "; ".join(each.day.isoformat() for each in figure.of)
            sources = "; ".join(f"{side_name(each.side)}: {each.source}" for each in figure.of)
            crossed = "; ".join(str(by[each.key].message_id) for each in figure.of)
            said = [str(measure.title), str(measure.unit), measure.baseline, measure.target, figure.text]
            writer.writerow([_safe(each) for each in [*head, *said, days, sources, crossed]])
        if not card.figures:
            writer.writerow([_safe(each) for each in [*head, *[""] * 8]])
    return output.getvalue().encode()


def meeting_json(meeting: JointMeeting) -> dict[str, Any]:
    """Return what everybody may know of a meeting: neither who comes nor its papers."""
    return {
        "id": str(meeting.key),
        "host": meeting.host,
        "with": meeting.peer,
        "state": meeting.state,
        "title": meeting.title,
        "place": meeting.place,
        "mode": meeting.mode,
        "starts_at": meeting.starts_at.isoformat(),
        "ends_at": meeting.ends_at.isoformat(),
        "agenda": meeting.agenda,
    }


def _safe(value: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; a number stays one."""
    number = value.replace("-", "", 1).replace(".", "", 1).isdigit()
    return f"'{value}" if value.startswith(_FORMULA) and not number else value


def _texts(words: Line | Passage) -> list[dict[str, str]]:
    return [{"@value": getattr(words, key), "@language": tag} for key, tag in _LANGUAGES.items()]


def _names(names: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"@value": names[key.replace("_", "-")], "@language": tag} for key, tag in _LANGUAGES.items()]


def _day(text: str) -> dict[str, str]:
    return {"@value": text, "@type": "xsd:date"}
