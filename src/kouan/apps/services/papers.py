"""Papers as PDF: a title, passages of questions and answers, a foot."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from django.conf import settings
from reportlab.lib.colors import HexColor
from reportlab.lib.units import mm
from reportlab.platypus import HRFlowable, Spacer

from kouan.core.sides import get_side
from kouan.web import typeset

if TYPE_CHECKING:
    from collections.abc import Sequence


def paper(  # noqa: PLR0913 - all that a paper shows, by name
    *,
    title: str,
    lead: str,
    passages: Sequence[tuple[str, Sequence[tuple[str, str]]]],
    foot: str,
    language: str,
    subject: str = "",
) -> bytes:
    """Return a PDF of passages, each a heading and rows of (what, value); the same for the same content.

    The side that makes it stands at the head, above a rule in its colour.
    """
    typeset.make_ready()
    side = get_side(settings.NODE.side)
    colour = HexColor(side.accent.colour)
    over = typeset.style("over", language, 10, textColor=colour)
    head, body = typeset.style("head", language, 17), typeset.style("body", language, 10)
    section = typeset.style("section", language, 12)
    story: list[Any] = [
        typeset.text(side.name.in_language(language), over),
        HRFlowable(width="100%", thickness=2, color=colour, spaceBefore=1 * mm, spaceAfter=5 * mm),
        typeset.text(title, head),
        Spacer(1, 2 * mm),
        typeset.text(lead, body),
        Spacer(1, 5 * mm),
    ]
    for heading, rows in passages:
        if heading:
            story += [typeset.text(heading, section), Spacer(1, 1 * mm)]
        if rows:
            lines = [(what, [value]) for what, value in rows]
            story += [typeset.table(lines, body, first=58), Spacer(1, 5 * mm)]
    output = io.BytesIO()

    def bottom(canvas: Any, _document: Any) -> None:
        typeset.foot(canvas, foot, font=typeset.font_for(foot, language))

    typeset.document(
        output,
        title=title,
        author=f"Kouan, {settings.NODE.side}",
        subject=subject,
        language=language,
    ).build(story, onFirstPage=bottom, onLaterPages=bottom)
    return output.getvalue()
