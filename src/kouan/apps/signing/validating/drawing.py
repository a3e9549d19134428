"""Pages as pictures. Runs in a process of its own: the renderer is native code on hostile bytes."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Any, Final

from kouan.apps.signing.ofd.limits import MAX_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH: Final = 1000
"""Pixels across."""
_TALLEST: Final = 4
"""A page that is taller than this times its width is cut off there."""
_PDF_HEAD: Final = 1024


def drawn(file: IO[bytes], job: Mapping[str, Any]) -> bytes:
    """Return a page (``page``, from 1) as PNG, or of OFD as SVG; raises whatever the renderer does."""
    file.seek(0)
    if b"%PDF-" in file.read(_PDF_HEAD):
        file.seek(0)
        return _pdf(file, int(job["page"]))
    file.seek(0)
    return _ofd(file.read(MAX_FILE + 1), int(job["page"]))


def _pdf(file: IO[bytes], number: int) -> bytes:
    import pypdfium2  # noqa: PLC0415 - only a process that draws loads it

    with pypdfium2.PdfDocument(file) as document:
        page = document[number - 1]
        width, height = page.get_size()
        scale = WIDTH / max(width, height / _TALLEST, 1)
        document.init_forms()
        picture = page.render(scale=scale, may_draw_forms=True).to_pil()
        output = io.BytesIO()
        picture.convert("RGB").quantize(64).save(output, "PNG")
        return output.getvalue()


def _ofd(data: bytes, number: int) -> bytes:
    from kouan.apps.signing.ofd import reading  # noqa: PLC0415 - as above
    from kouan.apps.signing.ofd.drawing.page import draw  # noqa: PLC0415 - as above

    document = reading.read(data)
    found = [(body, page) for body in document.bodies for page in body.pages]
    body, page = found[number - 1]
    stamps = [
        (stamp, one.seal)
        for one in reading.signatures(document)
        if one.document == body.root and one.seal is not None
        for stamp in one.stamps
    ]
    return draw(document.container, body, page, stamps=stamps).svg
