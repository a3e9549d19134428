"""Writes small OFD documents (GB/T 33190): pages of text lines and rules, for tests and the demonstration."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NAMESPACE: Final = "http://www.ofdspec.org/2016"
DOCUMENT: Final = "Doc_0"
SIGNATURE_LIST: Final = f"{DOCUMENT}/Signs/Signatures.xml"
_FONT, _FIRST_PAGE = 2, 100
_A4: Final = (210, 297)
_WIDE_FROM: Final = 0x2E80
"""From here on characters are as wide as they are high."""
_DATE: Final = (1980, 1, 1, 0, 0, 0)

Parts = dict[str, bytes]
"""A document's files by name, in the order of the container."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text; millimetres from the page's upper left corner to its baseline's beginning."""

    text: str
    x: float
    y: float
    size: float = 4.2333


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight stroke across the page, in millimetres."""

    x: float
    y: float
    width: float
    colour: str = "200 30 30"


def document(  # noqa: PLR0913 - what a document says of itself
    pages: Sequence[Iterable[Line | Rule]],
    *,
    identifier: str,
    title: str,
    created: str,
    attachments: Mapping[str, bytes] | None = None,
    namespace: str = NAMESPACE,
) -> Parts:
    """Return the parts of a document on A4; ``created`` is a date (YYYY-MM-DD), ``identifier`` a DocID."""
    parts: Parts = {}
    parts["OFD.xml"] = _xml(
        "OFD",
        f"<ofd:DocBody><ofd:DocInfo><ofd:DocID>{escape(identifier)}</ofd:DocID><ofd:Title>{escape(title)}"
        f"</ofd:Title><ofd:CreationDate>{created}</ofd:CreationDate></ofd:DocInfo><ofd:DocRoot>{DOCUMENT}"
        f"/Document.xml</ofd:DocRoot><ofd:Signatures>{SIGNATURE_LIST}</ofd:Signatures></ofd:DocBody>",
        namespace,
        ' Version="1.1" DocType="OFD"',
    )
    listed = "".join(
        f'<ofd:Page ID="{_FIRST_PAGE + number}" BaseLoc="Pages/Page_{number}/Content.xml"/>'
        for number in range(len(pages))
    )
    attached = "<ofd:Attachments>Attachs/Attachments.xml</ofd:Attachments>" if attachments else ""
    box = f"<ofd:PhysicalBox>0 0 {_A4[0]} {_A4[1]}</ofd:PhysicalBox>"
    parts[f"{DOCUMENT}/Document.xml"] = _xml(
        "Document",
        f"<ofd:CommonData><ofd:MaxUnitID>9999</ofd:MaxUnitID><ofd:PageArea>{box}</ofd:PageArea>"
        f"<ofd:PublicRes>PublicRes.xml</ofd:PublicRes></ofd:CommonData><ofd:Pages>{listed}</ofd:Pages>{attached}",
        namespace,
    )
    parts[f"{DOCUMENT}/PublicRes.xml"] = _xml(
        "Res",
        f'<ofd:Fonts><ofd:Font ID="{_FONT}" FontName="宋体" FamilyName="宋体"/></ofd:Fonts>',
        namespace,
        ' BaseLoc="Res"',
    )
    for number, page in enumerate(pages):
        parts[f"{DOCUMENT}/Pages/Page_{number}/Content.xml"] = _page(page, namespace)
    for name, data in (attachments or {}).items():
        parts[f"{DOCUMENT}/Attachs/{name}"] = data
    if attachments:
        files = "".join(
            f'<ofd:Attachment ID="{number}" Name={quoteattr(name)} Format="bin"><ofd:FileLoc>{escape(name)}'
            "</ofd:FileLoc></ofd:Attachment>"
            for number, name in enumerate(attachments, start=1)
        )
        parts[f"{DOCUMENT}/Attachs/Attachments.xml"] = _xml("Attachments", files, namespace)
    return parts


def page_identifier(number: int) -> str:
    """Return the identifier of the page at ``number``, counted from 0."""
    return str(_FIRST_PAGE + number)


def pack(parts: Mapping[str, bytes]) -> bytes:
    """Return parts as a container; the same parts give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return buffer.getvalue()


def _page(items: Iterable[Line | Rule], namespace: str) -> bytes:
    objects = []
    for number, item in enumerate(items, start=1):
        if isinstance(item, Rule):
            objects.append(
                f'<ofd:PathObject ID="{number}" Boundary="{item.x} {item.y} {item.width} 1" LineWidth="0.4">'
                f'<ofd:StrokeColor Value="{item.colour}"/><ofd:AbbreviatedData>M 0 0.5 L {item.width} 0.5'
                "</ofd:AbbreviatedData></ofd:PathObject>"
            )
            continue
        steps = [item.size if ord(mark) >= _WIDE_FROM else item.size / 2 for mark in item.text]
        deltas = f' DeltaX="{" ".join(f"{step:g}" for step in steps[:-1])}"' if len(steps) > 1 else ""
        objects.append(
            f'<ofd:TextObject ID="{number}" Boundary="{item.x} {item.y - item.size} {sum(steps):g} '
            f'{item.size * 1.4:g}" Font="{_FONT}" Size="{item.size}"><ofd:TextCode X="0" Y="{item.size}"'
            f"{deltas}>"
            f"{escape(item.text)}</ofd:TextCode></ofd:TextObject>"
        )
    content = f'<ofd:Content><ofd:Layer ID="9000">{"".join(objects)}</ofd:Layer></ofd:Content>'
    return _xml("Page", content, namespace)


def _xml(root: str, content: str, namespace: str, attributes: str = "") -> bytes:
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ofd:{root} xmlns:ofd="{namespace}"{attributes}>{content}'
        f"</ofd:{root}>\n"
    )
    return text.encode()


def element(root: str, content: str, namespace: str = NAMESPACE) -> bytes:
    """Return a part of one root element with that content, which is XML already."""
    return _xml(root, content, namespace)
