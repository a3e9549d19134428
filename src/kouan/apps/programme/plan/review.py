"""The annual review on paper: what the plan named, what came of it, and where each figure comes from."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from django.utils import translation
from django.utils.translation import gettext, pgettext
from reportlab.lib.units import mm
from reportlab.platypus import PageBreak, Spacer

from kouan.apps.programme.plan import labels
from kouan.core.sides import side_name
from kouan.core.text import LANGUAGES
from kouan.web import typeset
from kouan.web.filters import date_long, number

if TYPE_CHECKING:
    from kouan.apps.programme.plan.progress import Figure
    from kouan.apps.programme.plan.queries import Board, Card


def rendered(board: Board) -> bytes:
    """Return the review as PDF in the three scripts; the same for the same reports."""
    typeset.make_ready()
    output = io.BytesIO()
    document = typeset.document(
        output, title=f"Annual review {board.plan.name}", subject=bytes(board.row.digest).hex()
    )
    story: list[Any] = []
    for language in LANGUAGES:
        with translation.override(language):
            story += _part(board, language)
    document.build(story, onFirstPage=_foot, onLaterPages=_foot)
    return output.getvalue()


def figure_words(figure: Figure) -> str:
    """Return a measure with its figure, in one line."""
    return gettext("%(title)s: %(figure)s") % {
        "title": figure.measure.title,
        "figure": figure_alone(figure),
    }


def figure_alone(figure: Figure) -> str:
    """Return what a measure has come to, where its title stands beside it."""
    measure = figure.measure
    if figure.value is None:
        missing = ", ".join(side_name(side) for side in figure.missing)
        return gettext("not reported yet by %(sides)s; target %(target)s %(unit)s") % {
            "sides": missing, "target": measure.target, "unit": measure.unit,
        }  # fmt: skip
    return gettext("%(value)s %(unit)s; baseline %(baseline)s, target %(target)s (%(reached)s)") % {
        "value": figure.text,
        "unit": measure.unit,
        "baseline": measure.baseline,
        "target": measure.target,
        "reached": pgettext("target", "reached") if figure.reached else pgettext("target", "not reached"),
    }


def _part(board: Board, language: str) -> list[Any]:
    head = typeset.style("head", language, 15)
    section = typeset.style("section", language, 12, spaceBefore=4 * mm, spaceAfter=1 * mm)
    below = typeset.style("below", language, 10, spaceBefore=3 * mm, spaceAfter=1 * mm)
    small = typeset.style("small", language, 9)
    title = gettext("Annual review of the joint work plan %(year)s") % {"year": board.plan.name}
    facts = [
        (gettext("Sides"), [side_name(side) for side in board.plan.sides]),
        (gettext("As of"), [date_long(board.until)]),
        (gettext("Version in effect"), [str(board.plan.version), bytes(board.row.digest).hex()]),
        (
            gettext("Milestones done"),
            [gettext("%(done)s of %(all)s") % {"done": board.milestones_done, "all": board.milestones}],
        ),
        (
            gettext("Targets reached"),
            [gettext("%(done)s of %(all)s") % {"done": board.reached, "all": board.measures}],
        ),
    ]
    story: list[Any] = [typeset.text(title, head), Spacer(1, 3 * mm), typeset.table(facts, small)]
    for place, area in enumerate(board.plan.areas, 1):
        story.append(typeset.text(f"{place}. {area.title}", section))
        for card in board.cards:
            if card.area.id == area.id:
                story.append(typeset.text(str(card.item.title), below))
                story.append(typeset.table(_rows(board, card), small))
    return [*story, PageBreak()]


def _rows(board: Board, card: Card) -> list[tuple[str, list[str]]]:
    rows = [
        (pgettext("item", "How it stands"), [str(labels.STANDINGS[card.standing])]),
        (gettext("Deliverable"), [str(card.item.deliverable)]),
    ]
    if card.steps:
        rows.append(
            (
                gettext("Milestones"),
                [
                    f"{date_long(step.due)}: {step.milestone.title} – "
                    + (
                        gettext("done on %(day)s") % {"day": date_long(step.done.day)}
                        if step.done
                        else pgettext("milestone", "not done")
                    )
                    for step in card.steps
                ],
            )
        )
    for figure in card.figures:
        lines = [figure_words(figure)]
        for each in figure.of:
            trace = board.traces[each.key]
            where = "–" if trace.index is None else number(trace.index)
            line = gettext(
                "%(side)s, %(day)s: %(value)s (%(source)s); message %(message)s, ledger entry %(index)s"
            ) % {
                "side": side_name(each.side),
                "day": date_long(each.day),
                "value": each.value,
                "source": each.source,
                "message": trace.message,
                "index": where,
            }
            if trace.peer_index is not None:
                theirs = gettext("at the other side %(index)s") % {"index": number(trace.peer_index)}
                line = f"{line}; {theirs}"
            lines.append(line)
        rows.append((gettext("Measure"), lines))
    return rows


def _foot(canvas: Any, _document: Any) -> None:
    typeset.foot(canvas)
