"""What a seal looks like, where it stands on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kouan.apps.signing.ofd import limits, tree
from kouan.apps.signing.ofd.container import Container
from kouan.apps.signing.ofd.drawing import pictures, sheets
from kouan.apps.signing.ofd.drawing.codes import Omission
from kouan.apps.signing.ofd.drawing.graphics import number
from kouan.apps.signing.ofd.errors import UnreadableOfd

if TYPE_CHECKING:
    from kouan.apps.signing.ofd.drawing.canvas import Canvas
    from kouan.apps.signing.ofd.listed import Stamp
    from kouan.apps.signing.ofd.seals import Seal
    from kouan.apps.signing.ofd.tree import Box

_USUAL: Final = 40.0
_MAX_SIDE: Final = 500.0
"""Millimetres of a seal."""


def size(seal: Seal) -> tuple[float, float]:
    """Return a seal's sides in millimetres; the usual ones where it states none that can be."""
    sides = (float(seal.picture.width), float(seal.picture.height))
    return sides if all(0 < side <= _MAX_SIDE for side in sides) else (_USUAL, _USUAL)


def put(canvas: Canvas, stamp: Stamp, seal: Seal, *, outlined: bool) -> None:
    """Draw a seal in its box, or the part of it that the stamp shows; raises ``Full``."""
    x, y, width, height = stamp.box
    left, top, wide, high = stamp.clip or (0.0, 0.0, width, height)
    shown = " ".join(map(number, (left, top, wide, high)))
    place = f'x="{number(x + left)}" y="{number(y + top)}" width="{number(wide)}" height="{number(high)}"'
    canvas.put(f'<svg {place} viewBox="{shown}" preserveAspectRatio="none">')
    try:
        look(canvas, seal, (0, 0, width, height))
    finally:
        canvas.close("</svg>")
    if outlined:
        canvas.put(f'<rect {place} fill="none" stroke="#1d70b8" stroke-width="0.6" stroke-dasharray="2 1"/>')


def look(canvas: Canvas, seal: Seal, box: Box) -> None:
    """Draw a seal's picture into a box, an OFD document as one; raises ``Full``."""
    x, y, width, height = map(number, box)
    place = f'x="{x}" y="{y}" width="{width}" height="{height}" preserveAspectRatio="none"'
    data = seal.picture.data
    if pictures.kind_of(data) != "ofd":
        address = canvas.picture(data)
        if address is not None:
            canvas.put(f'<image {place} href="{address}"/>')
        return
    if len(data) > limits.MAX_PICTURE_FILE:
        canvas.omit(Omission.PICTURE_DAMAGED)
        return
    try:
        container = Container(data)
        body = tree.read(container)[0]
    except UnreadableOfd:
        canvas.omit(Omission.PICTURE_DAMAGED)
        return
    if not body.pages:
        canvas.omit(Omission.PICTURE_MISSING)
        return
    page = body.pages[0]
    canvas.put(f'<svg {place} viewBox="{" ".join(map(number, page.box))}">')
    # A seal in a seal's picture is not drawn: so this goes one document deep, and no deeper.
    sheets.paint(canvas, container, body, page)
    canvas.close("</svg>")
