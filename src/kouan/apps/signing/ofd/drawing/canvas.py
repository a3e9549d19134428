"""Where a page's SVG is gathered, and where its limits are kept."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from kouan.apps.signing.ofd.drawing import limits, pictures

if TYPE_CHECKING:
    from PIL import Image

    from kouan.apps.signing.ofd.drawing.codes import Omission


class Full(Exception):
    """The most that is drawn has been drawn."""


class Canvas:
    """Pieces of SVG, and what was left out on the way."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._size = 0
        self._objects = 0
        self._marks = 0
        self._numbers = 0
        self._pictures = 0
        self._pixels = 0
        self._omitted: dict[Omission, None] = {}

    @property
    def omitted(self) -> tuple[Omission, ...]:
        """What was left out, each once."""
        return tuple(self._omitted)

    def omit(self, what: Omission) -> None:
        """Note that something is not drawn."""
        self._omitted.setdefault(what)

    def put(self, piece: str) -> None:
        """Add a piece; raises ``Full``."""
        self._size += len(piece)
        if self._size > limits.MAX_SVG:
            raise Full
        self._pieces.append(piece)

    def close(self, piece: str) -> None:
        """Add the end of an element, which there is always room for."""
        self._pieces.append(piece)

    def count(self, *, objects: int = 0, marks: int = 0, numbers: int = 0) -> None:
        """Count what is about to be drawn; raises ``Full``."""
        self._objects += objects
        self._marks += marks
        self._numbers += numbers
        if (
            self._objects > limits.MAX_OBJECTS
            or self._marks > limits.MAX_MARKS
            or self._numbers > limits.MAX_PATH
        ):
            raise Full

    def picture(self, data: bytes) -> str | None:
        """Return a picture as a data address, or ``None`` where it is not shown; raises ``Full``."""
        try:
            image: Image.Image = pictures.decoded(data)
        except pictures.CannotShow as error:
            self.omit(error.why)
            return None
        self._pictures += 1
        self._pixels += image.width * image.height
        if self._pictures > limits.MAX_PICTURES or self._pixels > limits.MAX_PIXELS:
            raise Full
        return "data:image/png;base64," + base64.b64encode(pictures.encoded(image)).decode()

    def text(self) -> str:
        """Return all that was drawn."""
        return "".join(self._pieces)
