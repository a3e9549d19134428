"""A page of an OFD document as SVG: text, outlines, pictures and seals, and a list of what is left out.

It is made for the report on a signature, to show a person what was signed and where the seal stands. It is no
full reader: the document's own fonts are not used, and what is not drawn is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kouan.apps.signing.ofd.drawing import seal as seals
from kouan.apps.signing.ofd.drawing import sheets
from kouan.apps.signing.ofd.drawing.canvas import Canvas, Full
from kouan.apps.signing.ofd.drawing.codes import Omission
from kouan.apps.signing.ofd.drawing.graphics import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kouan.apps.signing.ofd.container import Container
    from kouan.apps.signing.ofd.listed import Stamp
    from kouan.apps.signing.ofd.seals import Seal
    from kouan.apps.signing.ofd.tree import Body, Box, Page


@dataclass(frozen=True, slots=True)
class Drawing:
    """A page or a seal, drawn."""

    svg: bytes
    """SVG, with nothing in it from outside but escaped text, numbers and pictures written anew."""
    width: float
    """Millimetres."""
    height: float
    omitted: tuple[Omission, ...]


def draw(
    container: Container,
    body: Body,
    page: Page,
    *,
    stamps: Sequence[tuple[Stamp, Seal]] = (),
    outlined: bool = False,
) -> Drawing:
    """Draw a page with the seals that stand on it; with ``outlined``, a frame around each. Raises nothing."""
    canvas = Canvas()
    sheets.paint(canvas, container, body, page)
    try:
        for stamp, seal in stamps:
            if stamp.page == page.identifier:
                seals.put(canvas, stamp, seal, outlined=outlined)
    except Full:
        canvas.omit(Omission.LIMIT)
    return _drawing(canvas, page.box)


def draw_seal(seal: Seal) -> Drawing:
    """Draw a seal by itself, in its own size. Raises nothing."""
    canvas = Canvas()
    width, height = seals.size(seal)
    try:
        seals.look(canvas, seal, (0, 0, width, height))
    except Full:
        canvas.omit(Omission.LIMIT)
    return _drawing(canvas, (0, 0, width, height))


def _drawing(canvas: Canvas, box: Box) -> Drawing:
    x, y, width, height = map(number, box)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{x} {y} {width} {height}" width="{width}mm" '
        f'height="{height}mm"><rect x="{x}" y="{y}" width="{width}" height="{height}" fill="#fff"/>'
        f"{canvas.text()}</svg>"
    )
    return Drawing(svg.encode(), box[2], box[3], canvas.omitted)
