"""What papers are set with: pages, tables, the fonts of the three scripts, text that is never mark-up."""

from __future__ import annotations

import html
import re
from itertools import zip_longest
from typing import IO, TYPE_CHECKING, Any, Final

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table, TableStyle

if TYPE_CHECKING:
    from collections.abc import Iterable

LATIN: Final = "Helvetica"
_HANT: Final = "MSung-Light"
_HANS: Final = "STSong-Light"
_FONTS: Final = {"en": LATIN, "zh-hant": _HANT, "zh-hans": _HANS}
"""Chinese fonts are those of Adobe's collections, which a PDF reader supplies."""
_CODES: Final = {_HANT: "UniCNS-UTF16-H", _HANS: "UniGB-UTF16-H"}
"""How text becomes each collection's characters (ISO 32000-1, table 118). The library would take Mainland
China's for both, and two bytes a character, which rare names outgrow."""
_HELVETICA_LACKS: Final = re.compile("[^\x00-\x7e\xa0-\xff‘’‚“”„–—…•€]+")
"""What is in a PDF's own Latin characters is not only English letters: quotation marks and dashes are too."""
_LINES: Final = 25
"""Of one row of a table."""
_RULE: Final = colors.HexColor("#cdd5da")


class _Han(UnicodeCIDFont):  # type: ignore[misc] # reportlab has no types
    """A font of a collection of Han characters, under that collection's own codes."""

    def __init__(self, face: str) -> None:
        super().__init__(face)
        self.encodingName = _CODES[face]


def make_ready() -> None:
    """Register the fonts with the library; doing it twice is harmless."""
    known = pdfmetrics.getRegisteredFontNames()
    for font in _CODES:
        if font not in known or not isinstance(pdfmetrics.getFont(font), _Han):
            pdfmetrics.registerFont(_Han(font))


def font_for(value: str, language: str) -> str:
    """Return the font in which a text stands on a paper of a language: one that has its characters."""
    font = _FONTS.get(language.lower(), LATIN)
    return _chinese(value) if font == LATIN and _HELVETICA_LACKS.search(value) else font


def document(  # noqa: PLR0913 - all that a file says of itself, by name
    output: IO[bytes],
    *,
    title: str,
    author: str = "Kouan",
    subject: str = "",
    language: str = "en",
    compressed: bool = True,
) -> SimpleDocTemplate:
    """Return an empty document of A4 pages that depends on nothing but what is put into it."""
    return SimpleDocTemplate(
        output,
        pagesize=A4,
        leftMargin=20 * mm,
        rightMargin=20 * mm,
        topMargin=20 * mm,
        bottomMargin=22 * mm,
        title=title,
        author=author,
        subject=subject,
        lang=language,
        invariant=True,
        pageCompression=int(compressed),
    )


def foot(canvas: Any, words: str = "", *, font: str = "Courier") -> None:
    """Draw the foot of a page: some words at the left, the page's number at the right."""
    canvas.saveState()
    canvas.setFont(font, 7)
    canvas.drawString(20 * mm, 12 * mm, words)
    canvas.drawRightString(190 * mm, 12 * mm, str(canvas.getPageNumber()))
    canvas.restoreState()


def style(name: str, language: str, size: float, **more: Any) -> ParagraphStyle:
    """Return a style of paragraphs in a language's font; ``size`` in points."""
    font = font_for("", language)
    wrap = None if font == LATIN else "CJK"
    return ParagraphStyle(name, fontName=font, fontSize=size, leading=size * 1.4, wordWrap=wrap, **more)


def text(value: str, of: ParagraphStyle) -> Paragraph:
    """Return a paragraph; what Helvetica lacks is set in a font that has it, and nothing is mark-up."""
    marked = html.escape(value).replace("\n", "<br/>")
    if of.fontName == LATIN and _HELVETICA_LACKS.search(value):
        of = ParagraphStyle(of.name, parent=of, wordWrap="CJK")
        marked = _HELVETICA_LACKS.sub(lambda run: f'<font name="{_chinese(run[0])}">{run[0]}</font>', marked)
    return Paragraph(marked, of)


def table(rows: Iterable[tuple[str, list[str]]], of: ParagraphStyle, *, first: float = 48) -> Table:
    """Return rows of a name and its lines, with a rule under each; ``first`` is the names' width in mm.

    An answer may be longer than a page: it is set in rows of some lines, since to lay out a long one whole,
    again on each page, takes time with the square of its length.
    """
    cells: list[list[Any]] = []
    rules: list[tuple[Any, ...]] = []
    for what, values in rows:
        pairs = list(zip_longest(_pieces(what), [each for value in values for each in _pieces(value)]))
        cells += [[text(name or "", of), text(piece or "", of)] for name, piece in pairs]
        rules.append(("LINEBELOW", (0, len(cells) - 1), (-1, len(cells) - 1), 0.4, _RULE))
        if len(pairs) > 1:
            first_row, last = len(cells) - len(pairs), len(cells) - 1
            rules.append(("BOTTOMPADDING", (0, first_row), (-1, last - 1), 0))
            rules.append(("TOPPADDING", (0, first_row + 1), (-1, last), 0))
    return Table(
        cells,
        colWidths=[first * mm, (170 - first) * mm - 12],
        splitInRow=1,
        style=TableStyle(
            [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (0, -1), 0), *rules],
        ),
    )


def _pieces(value: str) -> list[str]:
    lines = value.split("\n")
    return ["\n".join(lines[at : at + _LINES]) for at in range(0, len(lines), _LINES)]


def _chinese(value: str) -> str:
    """Return the font of the script that a text is in: each lacks characters of the other."""
    try:
        value.encode("big5hkscs")
    except UnicodeEncodeError:
        return _HANS
    return _HANT
