"""The way in: bytes to a document, and a document to its signatures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from kouan.apps.signing.ofd import checking, coverage, listed, tree
from kouan.apps.signing.ofd.codes import DocumentNote
from kouan.apps.signing.ofd.container import Container, listed_names
from kouan.apps.signing.ofd.drawing import page as drawn
from kouan.apps.signing.ofd.errors import UnreadableOfd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kouan.apps.signing.ofd.drawing.page import Drawing
    from kouan.apps.signing.ofd.listed import Description, Entry
    from kouan.apps.signing.ofd.result import OfdSignature
    from kouan.apps.signing.ofd.tree import Body

_FIRST_NAMES: Final = 64


@dataclass(frozen=True, slots=True)
class Document:
    """An OFD document, read: nothing of it is trusted until its signatures were looked at."""

    container: Container
    bodies: tuple[Body, ...]
    entries: tuple[tuple[Entry, ...], ...]
    """The signatures that each body's list names."""
    descriptions: dict[str, Description | None]
    """What each ``Signature.xml`` says, by its name; ``None`` for one that cannot be read."""
    notes: tuple[tuple[DocumentNote, tuple[str, ...]], ...]

    @property
    def pages(self) -> int:
        """The number of pages, of all documents in the container."""
        return sum(len(body.pages) for body in self.bodies)


def looks_like(file: IO[bytes]) -> bool:
    """Say whether a ZIP file is meant as an OFD document: whether a root stands in its directory. Cheap.

    Where the directory is not where it must be, the first file's name decides: such a container is refused
    later, and by the reason that is its own.
    """
    file.seek(0)
    head = file.read(_FIRST_NAMES)
    names = listed_names(file)
    if names is None:
        return any(mark in head for mark in (b"OFD.xml", b"Doc_"))
    return any(name.removeprefix(b"./").lower() == tree.ROOT.lower().encode() for name in names)


def read(data: bytes) -> Document:
    """Return the document in a file of at most ``limits.MAX_FILE`` bytes; raises ``UnreadableOfd``."""
    container = Container(data)
    bodies = tree.read(container)
    notes: list[tuple[DocumentNote, tuple[str, ...]]] = []
    entries: list[tuple[Entry, ...]] = []
    for body in bodies:
        found: tuple[Entry, ...] = ()
        if body.signature_list is not None:
            try:
                found = listed.entries(container, body.signature_list)
            except UnreadableOfd:
                notes.append((DocumentNote.UNREADABLE_LIST, (body.signature_list,)))
            else:
                if not found:
                    notes.append((DocumentNote.EMPTY_LIST, (body.signature_list,)))
        entries.append(found)
    descriptions: dict[str, Description | None] = {}
    for name in dict.fromkeys(entry.name for group in entries for entry in group):
        try:
            descriptions[name] = listed.describe(container, name)
        except UnreadableOfd:
            descriptions[name] = None
    if stray := coverage.unlisted(container, descriptions):
        notes.append((DocumentNote.UNLISTED_SIGNATURE, stray))
    if dangling := tuple(name for body in bodies for name in body.dangling):
        notes.append((DocumentNote.DANGLING, dangling))
    return Document(container, bodies, tuple(entries), descriptions, tuple(notes))


def signatures(document: Document) -> list[OfdSignature]:
    """Return each signature that the document's lists name, checked, in their order. Raises nothing."""
    found = []
    for body, group in zip(document.bodies, document.entries, strict=True):
        for entry in group:
            description = document.descriptions[entry.name]
            if description is None:
                found.append(checking.unreadable(body, entry))
                continue
            covers = coverage.of(
                document.container,
                document.bodies,
                body,
                description,
                signatures=document.descriptions,
                entries=group,
            )
            found.append(checking.check(document.container, body, entry, description, covers))
    return found


def page_drawing(document: Document, found: Sequence[OfdSignature], number: int) -> Drawing | None:
    """Draw the page at ``number``, counted from 1 over all documents of the container, with all seals on it.

    Raises nothing; ``None`` where there is no such page.
    """
    for body in document.bodies:
        if 0 < number <= len(body.pages):
            stamps = [
                (stamp, each.seal)
                for each in found
                if each.document == body.root and each.seal is not None
                for stamp in each.stamps
            ]
            return drawn.draw(document.container, body, body.pages[number - 1], stamps=stamps, outlined=True)
        number -= len(body.pages)
    return None


def page_of(document: Document, found: OfdSignature) -> int:
    """Return the number of the first page on which a signature's seal stands; 0 where it stands on none."""
    before = 0
    for body in document.bodies:
        if body.root == found.document:
            stamped = {stamp.page for stamp in found.stamps}
            return next(
                (before + at for at, page in enumerate(body.pages, 1) if page.identifier in stamped), 0
            )
        before += len(body.pages)
    return 0
