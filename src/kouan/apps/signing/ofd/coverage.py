"""What a signature covers of what a reader would show, and what it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.apps.signing.ofd.codes import Code
from kouan.apps.signing.ofd.paths import folder
from kouan.apps.signing.ofd.tree import ROOT, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kouan.apps.signing.ofd.container import Container
    from kouan.apps.signing.ofd.listed import Description, Entry
    from kouan.apps.signing.ofd.tree import Body

SIGNATURE_FILE: Final = "signature.xml"
_WITH_IT: Final = frozenset({"signedvalue.dat", "seal.esl"})
"""What stands beside it, as producers call it, in small letters."""
_BY_KIND: Final = {
    Kind.DOCUMENT: Code.DOCUMENT_UNCOVERED,
    Kind.PAGE: Code.PAGES_UNCOVERED,
    Kind.TEMPLATE: Code.PAGES_UNCOVERED,
    Kind.RESOURCE: Code.RESOURCES_UNCOVERED,
    Kind.ANNOTATION: Code.ANNOTATIONS_UNCOVERED,
    Kind.ATTACHMENT: Code.ATTACHMENTS_UNCOVERED,
    Kind.OTHER: Code.OTHERS_UNCOVERED,
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which parts a signature's digests protect. Names are of parts, in the order of the container."""

    covered: tuple[str, ...]
    uncovered: tuple[tuple[str, Code], ...]
    """Each part that it leaves out, and what that part is. Signatures' own files are not here."""
    pages: int
    pages_covered: int
    """Pages whose content it covers."""
    later: tuple[str, ...]
    """Identifiers of the signatures that the list names after it."""

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return not self.uncovered

    def findings(self) -> dict[Code, tuple[str, ...]]:
        """Return what is left out, by what it is."""
        found: dict[Code, tuple[str, ...]] = {}
        for name, code in self.uncovered:
            found[code] = (*found.get(code, ()), name)
        if not self.pages_covered:
            found[Code.COVERS_NO_PAGE] = ()
        if self.later:
            found[Code.SIGNED_LATER] = self.later
        return found


def of(  # noqa: PLR0913 - what it is about, and what it stands among
    container: Container,
    bodies: Sequence[Body],
    body: Body,
    description: Description,
    *,
    signatures: Mapping[str, Description | None],
    entries: Sequence[Entry],
) -> Coverage:
    """Return what a description's references cover.

    ``signatures`` are all descriptions of the container by the place of their ``Signature.xml``; ``entries``
    is the list that names this one.
    """
    covered = {reference.name for reference in description.references if reference.there}
    aside = set(_apart(signatures)) | {other.signature_list for other in bodies if other.signature_list}
    others = {name for other in bodies if other is not body for name in other.parts} - set(body.parts)
    shown = {_file(name) for other in bodies for name in other.parts}
    uncovered: list[tuple[str, Code]] = []
    for name in container.names:
        if name in covered:
            continue
        if name == ROOT:
            uncovered.append((name, Code.ROOT_UNCOVERED))
        elif name in body.parts:
            uncovered.append((name, _BY_KIND[body.parts[name]]))
        elif name in others:
            uncovered.append((name, Code.OTHER_DOCUMENT))
        elif name not in aside:
            # Signatures' own files stand aside here alone: what a reader shows is none for being named so.
            alike = _file(name) in shown
            uncovered.append((name, Code.LOOKALIKES_UNCOVERED if alike else Code.OTHERS_UNCOVERED))
    names = [entry.name for entry in entries]
    place = names.index(description.name) if description.name in names else len(names)
    return Coverage(
        covered=tuple(name for name in container.names if name in covered),
        uncovered=tuple(uncovered),
        pages=len(body.pages),
        pages_covered=sum(1 for page in body.pages if page.name in covered),
        later=tuple(entry.identifier for entry in entries[place + 1 :]),
    )


def _apart(signatures: Mapping[str, Description | None]) -> Iterable[str]:
    """Yield the files of signatures, which stand for themselves."""
    for name, description in signatures.items():
        yield name
        if description is not None:
            yield description.signed_value
            if description.seal:
                yield description.seal


def _file(name: str) -> str:
    return name.rpartition("/")[2].casefold()


def unlisted(container: Container, listed: Mapping[str, Description | None]) -> tuple[str, ...]:
    """Return signatures' files that no list names, by the names that producers give them.

    A seal or a value beside a signature is that signature's, whether it names it or not.
    """
    known = set(_apart(listed))
    folders = {
        folder(name)
        for name in (*container.names, *listed)
        if name in listed or _file(name) == SIGNATURE_FILE
    }
    return tuple(
        name
        for name in container.names
        if name not in known
        and (_file(name) == SIGNATURE_FILE or (_file(name) in _WITH_IT and folder(name) not in folders))
    )
