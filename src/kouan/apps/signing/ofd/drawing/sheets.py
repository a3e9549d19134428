"""What stands on a page: its templates, its own layers, and the notes on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kouan.apps.signing.ofd import limits, markup
from kouan.apps.signing.ofd.drawing import resources
from kouan.apps.signing.ofd.drawing.canvas import Full
from kouan.apps.signing.ofd.drawing.codes import Omission
from kouan.apps.signing.ofd.drawing.objects import Painter
from kouan.apps.signing.ofd.errors import UnreadableOfd

if TYPE_CHECKING:
    from kouan.apps.signing.ofd.container import Container
    from kouan.apps.signing.ofd.drawing.canvas import Canvas
    from kouan.apps.signing.ofd.markup import Element
    from kouan.apps.signing.ofd.tree import Body, Page

_BACKGROUND: Final = "Background"


def paint(canvas: Canvas, container: Container, body: Body, page: Page) -> None:
    """Draw a page, without the seals on it. Raises nothing."""
    painter = Painter(canvas, container, resources.read(container, (*body.resources, *page.resources)))
    behind = [name for name, order in page.templates if order == _BACKGROUND]
    before = [name for name, order in page.templates if order != _BACKGROUND]
    try:
        for name in (*_files(body, behind), page.name, *_files(body, before)):
            root = _parsed(canvas, container, name, "Page")
            for content in root.all("Content") if root is not None else ():
                for layer in content.all("Layer"):
                    painter.block(layer)
        for name in body.annotations.get(page.identifier, ()):
            root = _parsed(canvas, container, name, "PageAnnot")
            for annotation in root.all("Annot") if root is not None else ():
                if annotation.get("Visible", "true").lower() != "false":
                    for appearance in annotation.all("Appearance"):
                        painter.placed(appearance)
    except Full:
        canvas.omit(Omission.LIMIT)


def _files(body: Body, templates: list[str]) -> list[str]:
    return [body.templates[identifier] for identifier in templates if identifier in body.templates]


def _parsed(canvas: Canvas, container: Container, name: str, root: str) -> Element | None:
    try:
        return markup.parse(container.read(name, limit=limits.MAX_XML), root=root, part=name)
    except UnreadableOfd:
        canvas.omit(Omission.MALFORMED)
        return None
