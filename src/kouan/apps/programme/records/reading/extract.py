"""Takes the text out of a page or a PDF, in a process of its own: ``python -m … html|pdf``, bytes in, JSON out.

What such a file can do to its parser ends with the process: its memory and its time are limited, and it
opens no file and no connection. It imports neither Django nor anything else of the node.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from html.parser import HTMLParser
from typing import Final

SECONDS: Final = 20
"""Of processor time."""
MEMORY: Final = 768 << 20
PAGES: Final = 200
CHARACTERS: Final = 400_000

_SKIPPED: Final = frozenset(
    {
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "nav",
        "header",
        "footer",
        "aside",
        "form",
        "button",
        "select",
        "iframe",
        "head",
        "figure",
        "menu",
    }
)
_VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_BLOCKS: Final = frozenset(
    {
        "p",
        "div",
        "section",
        "article",
        "main",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "li",
        "ul",
        "ol",
        "table",
        "tr",
        "blockquote",
        "dd",
        "dt",
        "dl",
        "pre",
        "td",
        "th",
        "figcaption",
        "address",
        "title",
        "body",
    }
)
_NAVIGATION: Final = (
    "nav",
    "menu",
    "breadcrumb",
    "footer",
    "header",
    "sidebar",
    "skip",
    "share",
    "related",
    "cookie",
    "banner",
    "pagination",
    "toolbar",
    "lang",
)
_DEEPEST: Final = 400


class Page(HTMLParser):
    """Gathers a page's text, block by block, without its navigation."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self._line: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self._links = 0
        self._linked = 0
        self._all = 0
        self._item = False
        self._row: list[list[str]] | None = None
        """The cells of the table's row that is open, each with its lines."""
        self._labelled = False
        """Whether that row begins with a heading of its own."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element; what is navigation is skipped with all that is in it."""
        if tag == "br":
            self._end()
        if tag in _VOID or len(self._open) > _DEEPEST:
            return
        names = " ".join(value or "" for key, value in attrs if key in {"class", "id", "role"}).casefold()
        words = names.replace("-", " ").replace("_", " ").split()
        hidden = any(
            key == "hidden"
            or (key == "aria-hidden" and value == "true")
            or (key == "style" and "display:none" in (value or "").replace(" ", ""))
            for key, value in attrs
        )
        navigation = tag in {"div", "ul", "ol", "section", "p", "table", "td", "span"} and any(
            word.startswith(name) for word in words for name in _NAVIGATION
        )
        if tag in _BLOCKS:
            self._end()
            self._item = tag == "li"
        if tag in {"tr", "table"}:
            self._end_row()
        if tag == "tr":
            self._row = []
        elif tag in {"td", "th"} and self._row is not None:
            self._labelled = self._labelled or (tag == "th" and not self._row)
            self._row.append([])
        if tag == "a":
            self._links += 1
        self._open.append((tag, tag in _SKIPPED or hidden or navigation))

    def handle_endtag(self, tag: str) -> None:
        """Close an element and what was left open in it."""
        if tag in _BLOCKS:
            self._end()
        if tag in {"tr", "table"}:
            self._end_row()
        if not any(name == tag for name, _skipped in self._open):
            return
        while self._open:
            name, _skipped = self._open.pop()
            if name == "a":
                self._links = max(0, self._links - 1)
            if name == tag:
                break

    def handle_data(self, data: str) -> None:
        """Keep text that is not skipped."""
        if any(skipped for _name, skipped in self._open):
            return
        self._line.append(data)
        self._all += len(data.strip())
        self._linked += len(data.strip()) if self._links else 0

    def _end(self) -> None:
        line = " ".join("".join(self._line).split())
        if line and not (self._linked == self._all and len(line) < 60):
            into = self._row[-1] if self._row else self.lines
            into.append(f"- {line}" if self._item else line)
        if line:
            self._item = False
        self._line = []
        self._linked = self._all = 0

    def _end_row(self) -> None:
        """Make a line of a table's row: "label: value", or its cells side by side; a page's grid stays in pieces."""
        self._end()
        cells = [cell for cell in self._row or () if cell]
        if any(len(cell) > 1 for cell in cells) or len(cells) < 2:
            self.lines += [line for cell in cells for line in cell]
        elif self._labelled and len(cells) == 2:
            self.lines.append(f"{cells[0][0].rstrip(':：')}: {cells[1][0]}")
        else:
            self.lines.append(" | ".join(cell[0] for cell in cells))
        self._row = None
        self._labelled = False

    def text(self) -> str:
        """Return the page's text, a block a line, an empty line between blocks."""
        self._end_row()
        return "\n\n".join(self.lines)


def html(data: bytes) -> str:
    """Return the text of a page that is UTF-8."""
    page = Page()
    page.feed(data.decode("utf-8", "replace"))
    page.close()
    return page.text()


def pdf(data: bytes) -> str:
    """Return the text of a PDF, page by page. Raises ``OverflowError`` for too many pages."""
    import pypdf  # noqa: PLC0415 - only a PDF needs it

    reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted and not reader.decrypt(""):
        raise ValueError("locked")
    if len(reader.pages) > PAGES:
        raise OverflowError
    parts = []
    size = 0
    for page in reader.pages:
        text = page.extract_text()
        size += len(text)
        if size > CHARACTERS:
            raise OverflowError
        parts.append(text)
    return "\n\n".join(parts)


def main() -> None:
    """Read standard input, write ``{"text": …}`` or ``{"error": "unreadable"|"too-long"}``."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    data = sys.stdin.buffer.read()
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    try:
        text = pdf(data) if sys.argv[1:] == ["pdf"] else html(data)
        answer = {"text": text} if len(text) <= CHARACTERS else {"error": "too-long"}
    except OverflowError:
        answer = {"error": "too-long"}
    except BaseException:  # noqa: BLE001 - whatever a hostile file makes its parser raise
        answer = {"error": "unreadable"}
    sys.stdout.buffer.write(json.dumps(answer).encode())


if __name__ == "__main__":
    main()
