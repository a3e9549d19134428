"""Made-up papers for demonstrations, each of which says that it is one: as PDF, and as JSON."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter

_TOP: Final = 760
_STEP: Final = 36
_ESCAPED: Final = str.maketrans({"\\": r"\\", "(": r"\(", ")": r"\)"})


@dataclass(frozen=True, slots=True)
class Paper:
    """One kind of document that people carry across the boundary."""

    name: str
    type: str
    """Its code among the kinds of document."""
    side: str
    """Where it is issued in a demonstration."""
    title: str
    lines: tuple[str, ...]
    document: dict[str, Any]
    schema: dict[str, Any]
    """The JSON Schema (2020-12) that ``document`` follows."""

    def as_json(self) -> bytes:
        """Return the document as a file of JSON."""
        return json.dumps(self.document, indent=1).encode()

    def as_pdf(self) -> bytes:
        """Return the document as a PDF of one page."""
        first, *others = self.lines
        return _page(
            [
                (20, first),
                (11, "A demonstration: everybody and everything in it is made up."),
                (16, self.title),
            ]
            + [(13, line) for line in others]
        )


def papers() -> tuple[Paper, ...]:
    """Return all papers, by name."""
    folder = resources.files("kouan.demo") / "scenarios"
    found = []
    for source in sorted(folder.iterdir(), key=lambda each: each.name):
        if source.name.endswith(".json"):
            values = json.loads(source.read_text(encoding="utf-8"))
            values["lines"] = tuple(values["lines"])
            found.append(Paper(name=source.name.removesuffix(".json"), **values))
    return tuple(found)


def degree_certificate() -> bytes:
    """Return a degree certificate as a PDF of one page."""
    return next(paper for paper in papers() if paper.name == "academic-qualification").as_pdf()


def _page(lines: list[tuple[int, str]]) -> bytes:
    writer = PdfFileWriter(stream_xrefs=False)
    text = "\n".join(
        f"BT /F1 {size} Tf 72 {_TOP - place * _STEP} Td ({line.translate(_ESCAPED)}) Tj ET"
        for place, (size, line) in enumerate(lines)
    )
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
