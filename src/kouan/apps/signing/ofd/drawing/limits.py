"""How much of a page is drawn."""

from __future__ import annotations

from typing import Final

MAX_OBJECTS: Final = 20_000
MAX_MARKS: Final = 100_000
"""Characters of a page."""
MAX_PATH: Final = 200_000
"""Numbers in the outlines of a page."""
MAX_PICTURES: Final = 64
MAX_PIXELS: Final = 32 << 20
"""Of all pictures of a page."""
MAX_NESTED: Final = 16
"""Blocks and composites within each other."""
MAX_SVG: Final = 8 << 20
"""Bytes of the drawing."""
SHOWN_SIDE: Final = 1200
"""Pixels of a picture's longer side as it is embedded."""
