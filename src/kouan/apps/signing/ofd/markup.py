"""XML of OFD's parts, read by expat with no document type at all, and with limits while it is read.

A document type is where entities, external files and most attacks on XML parsers begin; GB/T 33190 has none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NoReturn
from xml.parsers import expat  # nosec: no document type passes, so no entity does

from kouan.apps.signing.ofd import limits
from kouan.apps.signing.ofd.codes import Problem
from kouan.apps.signing.ofd.errors import UnreadableOfd

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACES: Final = frozenset({"http://www.ofdspec.org/2016", "http://www.ofdspec.org"})
"""What OFD's elements are in: GB/T 33190-2016 annex A, and what was written before it."""


class Element:
    """An element of OFD: its name without the namespace, attributes, text, and elements within."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Element] = []
        self.text = ""

    def get(self, name: str, default: str = "") -> str:
        """Return an attribute, without the spaces around it."""
        return self.attributes.get(name, default).strip()

    def all(self, name: str) -> list[Element]:
        """Return the elements of that name directly within."""
        return [child for child in self.children if child.name == name]

    def only(self, name: str) -> Element | None:
        """Return the one element of that name, or ``None``; raises ``UnreadableOfd`` if there are several.

        Of two, one reader might take the first and another the last.
        """
        found = self.all(name)
        if len(found) > 1:
            raise UnreadableOfd(Problem.STRUCTURE, name)
        return found[0] if found else None

    def value(self, name: str) -> str:
        """Return the text of the one element of that name, without the spaces around it; empty if none."""
        found = self.only(name)
        return found.text.strip() if found is not None else ""


@dataclass(frozen=True, slots=True)
class Guard:
    """What is read in one way alone, in a part that signatures leave out.

    So a reader who looks neither at namespaces nor at what is around, or takes the text of an element up to
    the first thing within it, sees the same.
    """

    places: Mapping[str, str] = field(default_factory=dict)
    """Elements that stand directly within one other, or as the root, and nowhere else."""
    leaves: frozenset[str] = frozenset()
    """Elements with nothing in them but text."""


class _Builder:
    """What expat calls while it reads."""

    def __init__(self, part: str, guard: Guard) -> None:
        self._part, self._guard = part, guard
        self._open: list[Element | None] = []
        self._texts: list[list[str]] = []
        self._count = 0
        self.root: Element | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        deep = len(self._open) >= limits.MAX_DEPTH
        if deep or self._count > limits.MAX_ELEMENTS or len(attributes) > limits.MAX_ATTRIBUTES:
            raise UnreadableOfd(Problem.XML_TOO_LARGE, self._part)
        namespace, _, local = name.rpartition(" ")
        element = Element(local, attributes) if namespace in NAMESPACES else None
        parent = self._open[-1] if self._open else None
        self._check_place(local, element, parent)
        if not self._open:
            self.root = element
        elif parent is not None and element is not None:
            parent.children.append(element)
        # What stands within a foreign element is foreign as well: nobody reads it as OFD.
        self._open.append(element if not self._open or parent is not None else None)
        self._texts.append([])

    def _check_place(self, local: str, element: Element | None, parent: Element | None) -> None:
        """Refuse what another reader would take for an element that stands elsewhere, or nowhere, here."""
        self.within_leaf()
        places = self._guard.places
        if local.casefold() not in {name.casefold() for name in places}:
            return
        if element is None or (parent.name if parent else "") != places.get(local):
            raise UnreadableOfd(Problem.STRUCTURE, self._part)

    def within_leaf(self, *_: object) -> None:
        """Refuse an element, a comment or an instruction in the middle of a text that must be whole."""
        within = self._open[-1] if self._open else None
        if within is not None and within.name in self._guard.leaves:
            raise UnreadableOfd(Problem.STRUCTURE, self._part)

    def end(self, _name: str) -> None:
        element, pieces = self._open.pop(), self._texts.pop()
        if element is not None:
            element.text = "".join(pieces)

    def text(self, data: str) -> None:
        if self._texts and self._open[-1] is not None:
            self._texts[-1].append(data)

    def refuse(self, *_: object) -> NoReturn:
        raise UnreadableOfd(Problem.XML_DECLARATIONS, self._part)


def parse(data: bytes, *, root: str, part: str, guard: Guard | None = None) -> Element:
    """Return the root element of a part, which must be ``root`` in one of OFD's namespaces.

    Raises ``UnreadableOfd`` for anything else, for a document type, beyond the limits, and for what ``guard``
    does not let pass.
    """
    if len(data) > limits.MAX_XML:
        raise UnreadableOfd(Problem.XML_TOO_LARGE, part)
    builder = _Builder(part, guard or Guard())
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.CommentHandler = builder.within_leaf
    parser.ProcessingInstructionHandler = builder.within_leaf
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.EntityDeclHandler = builder.refuse
    try:
        parser.Parse(data, True)  # noqa: FBT003 - expat's own signature
    except (expat.ExpatError, ValueError, LookupError, UnicodeError):
        raise UnreadableOfd(Problem.XML, part) from None
    if builder.root is None or builder.root.name != root:
        raise UnreadableOfd(Problem.STRUCTURE, part)
    return builder.root
