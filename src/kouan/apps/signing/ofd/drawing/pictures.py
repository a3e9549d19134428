"""Pictures in seals and pages: decoded within limits and written anew, never passed on as they came."""

from __future__ import annotations

import io
import warnings
from typing import Final

from PIL import Image, UnidentifiedImageError

from kouan.apps.signing.ofd import limits
from kouan.apps.signing.ofd.drawing.codes import Omission
from kouan.apps.signing.ofd.drawing.limits import SHOWN_SIDE

_FORMATS: Final = ("PNG", "JPEG", "GIF", "BMP")
_MARKS: Final = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"BM": "bmp",
    b"PK\x03\x04": "ofd",
}


class CannotShow(Exception):
    """A picture that is not shown, and why."""

    def __init__(self, why: Omission) -> None:
        self.why = why
        super().__init__(why)


def kind_of(data: bytes) -> str:
    """Return what a picture's first bytes say: ``png``, ``jpeg``, ``gif``, ``bmp``, ``ofd`` or nothing."""
    return next((kind for mark, kind in _MARKS.items() if data.startswith(mark)), "")


def decoded(data: bytes) -> Image.Image:
    """Return a picture's first frame, no larger than it is shown; raises ``CannotShow``."""
    if kind_of(data) in ("", "ofd"):
        raise CannotShow(Omission.PICTURE_FORMAT)
    if len(data) > limits.MAX_PICTURE_FILE:
        raise CannotShow(Omission.PICTURE_DAMAGED)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                shown = image.convert("RGBA") if _bearable(image) else None
        if shown is not None:
            shown.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    except UnidentifiedImageError:
        raise CannotShow(Omission.PICTURE_FORMAT) from None
    except Exception:  # noqa: BLE001 - decoders of pictures raise many things on foreign bytes; one leaves here
        raise CannotShow(Omission.PICTURE_DAMAGED) from None
    if shown is None:
        raise CannotShow(Omission.PICTURE_DAMAGED)
    return shown


def _bearable(image: Image.Image) -> bool:
    """Say whether a picture, of which only the head was read, may be decoded."""
    width, height = image.size
    return max(width, height) <= limits.MAX_PICTURE_SIDE and width * height <= limits.MAX_PICTURE_PIXELS


def png(data: bytes) -> bytes:
    """Return a picture written anew as PNG, without whatever else its file held; raises ``CannotShow``."""
    return encoded(decoded(data))


def encoded(image: Image.Image) -> bytes:
    """Return a picture as PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
