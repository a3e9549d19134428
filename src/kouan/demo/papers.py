"""Made-up papers for demonstrations, each of which says that it is one."""

from __future__ import annotations

import io

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter

_LINES = (
    (24, 760, "Harbour University"),
    (11, 735, "A demonstration: this university and this graduate are made up."),
    (14, 690, "This certifies that"),
    (20, 660, "CHAN Siu Ming"),
    (14, 630, "has been awarded the degree of"),
    (20, 600, "Bachelor of Engineering, First Class"),
    (12, 560, "30 June 2026"),
)


def degree_certificate() -> bytes:
    """Return a degree certificate as a PDF of one page."""
    writer = PdfFileWriter(stream_xrefs=False)
    text = "\n".join(f"BT /F1 {size} Tf 72 {height} Td ({line}) Tj ET" for size, height, line in _LINES)
    contents = writer.add_object(generic.StreamObject(stream_data=text.encode("ascii")))
    font = generic.DictionaryObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Font"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/Type1"),
            generic.pdf_name("/BaseFont"): generic.pdf_name("/Helvetica"),
        }
    )
    page = PageObject(contents=contents, media_box=(0, 0, 595, 842))
    page[generic.pdf_name("/Resources")] = generic.DictionaryObject(
        {
            generic.pdf_name("/Font"): generic.DictionaryObject(
                {generic.pdf_name("/F1"): writer.add_object(font)}
            )
        }
    )
    writer.insert_page(page)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()
