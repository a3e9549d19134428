"""What an OFD document consists of: its documents, pages, and every part that a reader would show."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from kouan.apps.signing.ofd import limits, markup, paths
from kouan.apps.signing.ofd.codes import Problem
from kouan.apps.signing.ofd.errors import UnreadableOfd

if TYPE_CHECKING:
    from kouan.apps.signing.ofd.container import Container
    from kouan.apps.signing.ofd.markup import Element

ROOT: Final = "OFD.xml"
_A4: Final = (0.0, 0.0, 210.0, 297.0)
_MAX_SIDE: Final = 5000.0
"""Millimetres of a page, at most."""
_MAX_INFO: Final = 300

Box = tuple[float, float, float, float]
"""x, y, width and height in millimetres, from the upper left corner."""


class Kind(StrEnum):
    """What a part is for."""

    DOCUMENT = "document"
    PAGE = "page"
    TEMPLATE = "template"
    RESOURCE = "resource"
    ANNOTATION = "annotation"
    ATTACHMENT = "attachment"
    OTHER = "other"
    """Tags, extensions: for programs, not shown."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page."""

    identifier: str
    name: str
    box: Box
    templates: tuple[tuple[str, str], ...]
    """Identifiers of templates, and ``Background`` or ``Foreground``."""
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """One document of the container."""

    root: str
    identifier: str
    title: str
    author: str
    created: str
    signature_list: str | None
    versions: bool
    """There are other versions of it in the container (GB/T 33190 section 19)."""
    pages: tuple[Page, ...] = ()
    templates: dict[str, str] = field(default_factory=dict)
    resources: tuple[str, ...] = ()
    annotations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Files of annotations by page."""
    parts: dict[str, Kind] = field(default_factory=dict)
    """Everything that is reached from ``root``, and is there."""
    dangling: tuple[str, ...] = ()
    """Parts that are named and are not there."""


_GUARD: Final = markup.Guard(
    places={
        "OFD": "", "DocBody": "OFD", "DocInfo": "DocBody", "DocRoot": "DocBody", "Signatures": "DocBody",
        "Versions": "DocBody",
    },
    leaves=frozenset({"DocRoot", "Signatures"}),
)  # fmt: skip
"""What of ``OFD.xml``, which signatures may leave out, says which document is shown."""


def read(container: Container) -> tuple[Body, ...]:
    """Return the documents of a container; raises ``UnreadableOfd``."""
    data = container.read(ROOT, limit=limits.MAX_XML)
    root = markup.parse(data, root="OFD", part=ROOT, guard=_GUARD)
    bodies = root.all("DocBody")
    if not 1 <= len(bodies) <= limits.MAX_BODIES:
        raise UnreadableOfd(Problem.STRUCTURE, ROOT)
    return tuple(_Walk(container).body(body) for body in bodies)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What a page or a template says of itself."""

    box: Box | None
    templates: tuple[tuple[str, str], ...]
    resources: tuple[str, ...]


class _Walk:
    """Goes through one document once."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._parts: dict[str, Kind] = {}
        self._dangling: list[str] = []
        self._resources: set[str] = set()
        self._sheets: dict[str, _Sheet] = {}

    def body(self, element: Element) -> Body:
        info = element.only("DocInfo")
        location, there = paths.locate(self._container, "", element.value("DocRoot"))
        if not there:
            raise UnreadableOfd(Problem.MISSING, location)
        listed = element.value("Signatures")
        document = self._parse(location, "Document", Kind.DOCUMENT)
        common = document.only("CommonData")
        base = paths.folder(location)
        templates, resources = self._common(common, base)
        pages = self._pages(document, base, _area(common.only("PageArea") if common else None, _A4))
        annotations = self._annotations(document, base)
        self._attachments(document, base)
        for name in ("CustomTags", "Extensions"):
            if place := document.value(name):
                self._add(base, place, Kind.OTHER)
        return Body(
            root=location,
            identifier=_said(info, "DocID"),
            title=_said(info, "Title"),
            author=_said(info, "Author"),
            created=_said(info, "CreationDate"),
            signature_list=paths.locate(self._container, "", listed)[0] if listed else None,
            versions=element.only("Versions") is not None,
            pages=pages,
            templates=templates,
            resources=resources,
            annotations=annotations,
            parts=self._parts,
            dangling=tuple(self._dangling),
        )

    def _common(self, common: Element | None, base: str) -> tuple[dict[str, str], tuple[str, ...]]:
        templates: dict[str, str] = {}
        resources: list[str] = []
        for element in common.children if common is not None else ():
            if element.name in ("PublicRes", "DocumentRes"):
                resources += self._resource(base, element.text)
            elif element.name == "TemplatePage":
                name = self._add(base, element.get("BaseLoc"), Kind.TEMPLATE)
                if name is not None:
                    templates[element.get("ID")] = name
                    resources += self._sheet(name, Kind.TEMPLATE).resources
        return templates, tuple(resources)

    def _pages(self, document: Element, base: str, box: Box) -> tuple[Page, ...]:
        pages: list[Page] = []
        listed = document.only("Pages")
        for element in listed.all("Page") if listed is not None else ():
            if len(pages) >= limits.MAX_PAGES:
                raise UnreadableOfd(Problem.TOO_MANY)
            name = self._add(base, element.get("BaseLoc"), Kind.PAGE)
            if name is None:
                continue
            sheet = self._sheet(name, Kind.PAGE)
            pages.append(Page(element.get("ID"), name, sheet.box or box, sheet.templates, sheet.resources))
        return tuple(pages)

    def _sheet(self, name: str, kind: Kind) -> _Sheet:
        """Return what a page or template says of itself; each is read once, however often it is named."""
        if name not in self._sheets:
            page = self._parse(name, "Page", kind)
            resources: list[str] = []
            for place in page.all("PageRes"):
                resources += self._resource(paths.folder(name), place.text)
            area = page.only("Area")
            uses = [(use.get("TemplateID"), use.get("ZOrder", "Background")) for use in page.all("Template")]
            self._sheets[name] = _Sheet(
                box_of(area.value("PhysicalBox")) if area is not None else None, tuple(uses), tuple(resources)
            )
        return self._sheets[name]

    def _annotations(self, document: Element, base: str) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        place = document.value("Annotations")
        name = self._add(base, place, Kind.ANNOTATION) if place else None
        if name is None:
            return found
        for page in self._parse(name, "Annotations", Kind.ANNOTATION).all("Page"):
            for location in page.all("FileLoc"):
                part = self._add(paths.folder(name), location.text, Kind.ANNOTATION)
                if part is not None:
                    found[page.get("PageID")] = (*found.get(page.get("PageID"), ()), part)
        return found

    def _attachments(self, document: Element, base: str) -> None:
        place = document.value("Attachments")
        name = self._add(base, place, Kind.ATTACHMENT) if place else None
        if name is None:
            return
        for attachment in self._parse(name, "Attachments", Kind.ATTACHMENT).all("Attachment"):
            if location := attachment.value("FileLoc"):
                self._add(paths.folder(name), location, Kind.ATTACHMENT)

    def _resource(self, base: str, location: str) -> list[str]:
        """Take in a list of resources and the files that it names; return its name, if it is there."""
        if not location.strip():
            return []
        name = self._add(base, location, Kind.RESOURCE)
        if name is None:
            return []
        if name in self._resources:
            return [name]
        self._resources.add(name)
        root = self._parse(name, "Res", Kind.RESOURCE)
        inside = paths.folder(name)
        if root.get("BaseLoc") not in ("", ".", "./"):
            inside = paths.absolute(inside, root.get("BaseLoc"))
        for group in root.children:
            for item in group.children:
                for place in (*item.all("MediaFile"), *item.all("FontFile")):
                    if place.text.strip():
                        self._add(inside, place.text, Kind.RESOURCE)
                if item.name == "ColorSpace" and item.get("Profile"):
                    self._add(inside, item.get("Profile"), Kind.RESOURCE)
        return [name]

    def _add(self, base: str, location: str, kind: Kind) -> str | None:
        """Take in a part; return its name, or ``None`` if it is not there."""
        name, there = paths.locate(self._container, base, location)
        if not there:
            if len(self._dangling) < limits.MAX_PARTS:
                self._dangling.append(name)
            return None
        self._parts.setdefault(name, kind)
        return name

    def _parse(self, name: str, root: str, kind: Kind) -> Element:
        self._parts.setdefault(name, kind)
        return markup.parse(self._container.read(name, limit=limits.MAX_XML), root=root, part=name)


def _said(info: Element | None, name: str) -> str:
    """Return what a document says of itself, of bearable length."""
    return info.value(name)[:_MAX_INFO] if info is not None else ""


def _area(element: Element | None, otherwise: Box) -> Box:
    """Return the physical box of a page area."""
    if element is None:
        return otherwise
    return box_of(element.value("PhysicalBox")) or otherwise


def box_of(text: str) -> Box | None:
    """Return four numbers as a box whose sides are positive and bearable; else ``None``."""
    numbers = numbers_of(text)
    if len(numbers) != 4:  # noqa: PLR2004 - x, y, width, height
        return None
    x, y, width, height = numbers
    if not (
        0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE and abs(x) <= _MAX_SIDE and abs(y) <= _MAX_SIDE
    ):
        return None
    return x, y, width, height


def numbers_of(text: str) -> list[float]:
    """Return the finite numbers of a text, up to the first that is none."""
    found: list[float] = []
    for word in text.split():
        try:
            number = float(word)
        except ValueError:
            break
        if not abs(number) < 1e9:  # noqa: PLR2004 - also false for NaN
            break
        found.append(number)
    return found
