"""What pages draw with: fonts, pictures, drawing parameters and composites, by their identifiers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kouan.apps.signing.ofd import limits, markup, paths
from kouan.apps.signing.ofd.errors import UnreadableOfd

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kouan.apps.signing.ofd.container import Container
    from kouan.apps.signing.ofd.markup import Element


@dataclass(frozen=True, slots=True)
class Font:
    """A font as a document names it."""

    name: str
    embedded: bool


@dataclass(slots=True)
class Resources:
    """Everything that a page may refer to."""

    fonts: dict[str, Font] = field(default_factory=dict)
    media: dict[str, str] = field(default_factory=dict)
    """Files of pictures."""
    parameters: dict[str, Element] = field(default_factory=dict)
    composites: dict[str, Element] = field(default_factory=dict)


def read(container: Container, names: Iterable[str]) -> Resources:
    """Return the resources in these parts; one that cannot be read has none."""
    found = Resources()
    for name in dict.fromkeys(names):
        try:
            data = container.read(name, limit=limits.MAX_XML)
            root = markup.parse(data, root="Res", part=name)
            _collect(container, root, name, found)
        except UnreadableOfd:
            continue
    return found


def _collect(container: Container, root: Element, name: str, found: Resources) -> None:
    base = paths.folder(name)
    inside = base if root.get("BaseLoc") in ("", ".", "./") else paths.absolute(base, root.get("BaseLoc"))
    for item in (item for group in root.children for item in group.children):
        identifier = item.get("ID")
        if item.name == "Font":
            label = item.get("FamilyName") or item.get("FontName")
            found.fonts[identifier] = Font(label, embedded=bool(item.all("FontFile")))
        elif item.name == "MultiMedia" and item.value("MediaFile"):
            place, there = paths.locate(container, inside, item.value("MediaFile"))
            if there:
                found.media[identifier] = place
        elif item.name == "DrawParam":
            found.parameters[identifier] = item
        elif item.name == "CompositeGraphicUnit":
            found.composites[identifier] = item
