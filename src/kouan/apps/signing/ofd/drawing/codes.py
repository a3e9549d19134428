"""What a picture of a page leaves out, in stable codes."""

from __future__ import annotations

from enum import StrEnum


class Omission(StrEnum):
    """Something that a full reader would show."""

    PICTURE_FORMAT = "picture-format"
    PICTURE_DAMAGED = "picture-damaged"
    PICTURE_MISSING = "picture-missing"
    GLYPHS = "glyphs"
    FONTS = "fonts"
    SHADING = "shading"
    CLIPPING = "clipping"
    COMPOSITES = "composites"
    LIMIT = "limit"
    MALFORMED = "malformed"
