"""The objects of a page (GB/T 33190 sections 8.5, 9 to 13), one by one, as SVG."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from kouan.apps.signing.ofd import limits as reading_limits
from kouan.apps.signing.ofd.drawing import graphics, limits
from kouan.apps.signing.ofd.drawing.codes import Omission
from kouan.apps.signing.ofd.drawing.graphics import Malformed, number
from kouan.apps.signing.ofd.errors import UnreadableOfd
from kouan.apps.signing.ofd.tree import Box, box_of, numbers_of

if TYPE_CHECKING:
    from kouan.apps.signing.ofd.container import Container
    from kouan.apps.signing.ofd.drawing.canvas import Canvas
    from kouan.apps.signing.ofd.drawing.resources import Resources
    from kouan.apps.signing.ofd.markup import Element

_LINE: Final = 0.353
"""A line's width where none is said, in millimetres."""
_BOLD: Final = 600
_FAMILIES: Final = "'Noto Serif CJK SC','Songti SC',SimSun,PMingLiU,serif"
_UNQUOTED: Final = re.compile(r"[^\w .-]")
"""What no name of a font needs."""
_CAPS: Final = {"Butt": "butt", "Round": "round", "Square": "square"}
_JOINS: Final = {"Miter": "miter", "Round": "round", "Bevel": "bevel"}


class Painter:
    """Draws objects onto a canvas."""

    def __init__(self, canvas: Canvas, container: Container, resources: Resources) -> None:
        self.canvas = canvas
        self._container = container
        self._resources = resources

    def placed(self, appearance: Element) -> None:
        """Draw what a note looks like, in its place; raises ``Full``."""
        box = box_of(appearance.get("Boundary"))
        if box is None:
            self.canvas.omit(Omission.MALFORMED)
            return
        self.canvas.put(f'<g transform="translate({number(box[0])} {number(box[1])})">')
        try:
            self.block(appearance)
        finally:
            self.canvas.close("</g>")

    def block(self, element: Element, parameter: str = "", depth: int = 0) -> None:
        """Draw the objects of a layer or a block, in order; raises ``Full``."""
        if depth > limits.MAX_NESTED:
            self.canvas.omit(Omission.LIMIT)
            return
        parameter = element.get("DrawParam") or parameter
        for child in element.children:
            self.canvas.count(objects=1)
            try:
                self._object(child, parameter, depth)
            except Malformed:
                self.canvas.omit(Omission.MALFORMED)

    def _object(self, element: Element, parameter: str, depth: int) -> None:
        if element.name in ("PageBlock", "Layer", "Content"):
            self.block(element, parameter, depth + 1)
            return
        draw = {
            "TextObject": self._text,
            "PathObject": self._path,
            "ImageObject": self._image,
        }.get(element.name)
        if draw is None and element.name != "CompositeObject":
            return
        if element.get("Visible", "true").lower() == "false":
            return
        box = _boundary(element)
        if element.all("Clips"):
            self.canvas.omit(Omission.CLIPPING)
        opacity = numbers_of(element.get("Alpha", "255"))
        faded = f' opacity="{number(opacity[0] / 255)}"' if opacity and 0 <= opacity[0] < 255 else ""  # noqa: PLR2004 - a byte
        self.canvas.put(f'<g transform="translate({number(box[0])} {number(box[1])})"{faded}>')
        try:
            if draw is not None:
                draw(element, element.get("DrawParam") or parameter, box)
            else:
                self._composite(element, parameter, depth)
        finally:
            self.canvas.close("</g>")

    def _text(self, element: Element, parameter: str, _box: Box) -> None:
        font = self._resources.fonts.get(element.get("Font"))
        if font is not None and font.embedded:
            self.canvas.omit(Omission.GLYPHS if element.all("CGTransform") else Omission.FONTS)
        size = graphics.positive(element.get("Size"), 0)
        if not size:
            raise Malformed("no size")
        families = f"'{_UNQUOTED.sub('', font.name)[:60]}',{_FAMILIES}" if font else _FAMILIES
        weight = ' font-weight="bold"' if graphics.positive(element.get("Weight"), 400) >= _BOLD else ""
        slant = ' font-style="italic"' if element.get("Italic").lower() == "true" else ""
        wide = min(100.0, max(0.01, graphics.positive(element.get("HScale"), 1)))
        transform = graphics.matrix(element.get("CTM"))
        if wide != 1:
            transform = f"{transform} scale({number(wide)} 1)".strip()
        turned = f' transform="{transform}"' if transform else ""
        filled = element.get("Fill", "true").lower() != "false"
        ink = self._ink(element, parameter, fill=filled, stroke=element.get("Stroke").lower() == "true")
        self.canvas.put(
            f'<g font-size="{number(size)}" font-family={quoteattr(families)}{weight}{slant}{turned}{ink}>'
        )
        try:
            x = y = 0.0
            for code in element.all("TextCode"):
                x, y = _first(code.get("X"), x), _first(code.get("Y"), y)
                self._marks(code, x / wide, y, wide)
        finally:
            self.canvas.close("</g>")

    def _marks(self, code: Element, x: float, y: float, wide: float) -> None:
        """Draw characters, each in its place; those that follow without a distance stand close."""
        text = graphics.shown_text(code.text.strip("\r\n"))
        if not text:
            return
        self.canvas.count(marks=len(text))
        across = graphics.steps(code.get("DeltaX"), len(text) - 1)
        down = graphics.steps(code.get("DeltaY"), len(text) - 1)
        xs, ys = [x], [y]
        for step in across:
            xs.append(xs[-1] + step / wide)
        for step in down:
            ys.append(ys[-1] + step)
        places = f'x="{" ".join(map(number, xs))}" y="{" ".join(map(number, ys))}"'
        self.canvas.put(f'<text xml:space="preserve" {places}>{escape(text)}</text>')

    def _path(self, element: Element, parameter: str, _box: Box) -> None:
        drawn, count = graphics.outline(element.value("AbbreviatedData"))
        self.canvas.count(numbers=count)
        filled = element.get("Fill").lower() == "true"
        ink = self._ink(
            element, parameter, fill=filled, stroke=element.get("Stroke", "true").lower() != "false"
        )
        rule = ' fill-rule="evenodd"' if element.get("Rule") == "Even-Odd" else ""
        transform = graphics.matrix(element.get("CTM"))
        turned = f' transform="{transform}"' if transform else ""
        if drawn:
            self.canvas.put(f'<path d="{drawn}"{rule}{turned}{ink}/>')

    def _image(self, element: Element, _parameter: str, box: Box) -> None:
        name = self._resources.media.get(element.get("ResourceID"))
        if name is None:
            self.canvas.omit(Omission.PICTURE_MISSING)
            return
        try:
            data = self._container.read(name, limit=reading_limits.MAX_PICTURE_FILE)
        except UnreadableOfd:
            self.canvas.omit(Omission.PICTURE_DAMAGED)
            return
        address = self.canvas.picture(data)
        if address is None:
            return
        transform = graphics.matrix(element.get("CTM")) or f"scale({number(box[2])} {number(box[3])})"
        self.canvas.put(
            f'<image width="1" height="1" preserveAspectRatio="none" transform="{transform}" '
            f'href="{address}"/>'
        )

    def _composite(self, element: Element, parameter: str, depth: int) -> None:
        unit = self._resources.composites.get(element.get("ResourceID"))
        if unit is None:
            self.canvas.omit(Omission.COMPOSITES)
            return
        transform = graphics.matrix(element.get("CTM"))
        turned = f' transform="{transform}"' if transform else ""
        self.canvas.put(f"<g{turned}>")
        try:
            for content in unit.all("Content"):
                self.block(content, parameter, depth + 1)
        finally:
            self.canvas.close("</g>")

    def _ink(self, element: Element, parameter: str, *, fill: bool, stroke: bool) -> str:
        """Return how something is filled and stroked, from its own words, else its drawing parameter's."""
        chain = [element, *self._parameters(parameter)]
        said = self._paint("fill", chain, "FillColor") if fill else ' fill="none"'
        if not stroke:
            return said
        width = next((item.get("LineWidth") for item in chain if item.get("LineWidth")), "")
        cap = next((item.get("Cap") for item in chain if item.get("Cap")), "Butt")
        join = next((item.get("Join") for item in chain if item.get("Join")), "Miter")
        dashes = numbers_of(next((item.get("DashPattern") for item in chain if item.get("DashPattern")), ""))[
            :16
        ]
        dashed = f' stroke-dasharray="{" ".join(map(number, dashes))}"' if dashes and min(dashes) >= 0 else ""
        return (
            f"{said}{self._paint('stroke', chain, 'StrokeColor')} "
            f'stroke-width="{number(graphics.positive(width, _LINE))}"'
            f' stroke-linecap="{_CAPS.get(cap, "butt")}" stroke-linejoin="{_JOINS.get(join, "miter")}"'
            f"{dashed}"
        )

    def _paint(self, what: str, chain: list[Element], name: str) -> str:
        """Return a colour attribute; what is a shading is left unpainted, and said."""
        element = next((item.only(name) for item in chain if item.all(name)), None)
        found = graphics.colour(element) if element is not None else ("#000000", 1.0)
        if found is None:
            self.canvas.omit(Omission.SHADING)
            return f' {what}="none"'
        shade, opacity = found
        return f' {what}="{shade}"' + (f' {what}-opacity="{number(opacity)}"' if opacity < 1 else "")

    def _parameters(self, identifier: str) -> list[Element]:
        """Return a drawing parameter and those that it rests on, nearest first."""
        found: list[Element] = []
        seen: set[str] = set()
        while identifier in self._resources.parameters and identifier not in seen:
            seen.add(identifier)
            found.append(self._resources.parameters[identifier])
            identifier = found[-1].get("Relative")
        return found


def _boundary(element: Element) -> Box:
    """Return an object's box; lines may have no height or width, so sides of 0 pass here."""
    numbers = numbers_of(element.get("Boundary"))
    if len(numbers) != 4:  # noqa: PLR2004 - x, y, width, height
        raise Malformed("no boundary")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _first(text: str, otherwise: float) -> float:
    found = numbers_of(text)
    return found[0] if found else otherwise
