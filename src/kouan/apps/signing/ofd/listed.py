"""The list of signatures, and each signature's description (GB/T 33190 section 18)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kouan.apps.signing.ofd import der, limits, markup, paths
from kouan.apps.signing.ofd.codes import Problem
from kouan.apps.signing.ofd.errors import UnreadableOfd
from kouan.apps.signing.ofd.tree import Box, box_of

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.apps.signing.ofd.container import Container

_MAX_TEXT: Final = 120
_TIME: Final = re.compile(
    r"(\d{4})[-/]?(\d\d)[-/]?(\d\d)[T ]?(\d\d):?(\d\d):?(\d\d)(\.\d{1,9})? ?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
"""Producers write ``20200723130907.763Z``, ``2021-05-19 20:53:44`` and what lies between."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A signature as the list names it."""

    identifier: str
    kind: str
    """``Seal``, ``Sign`` or empty; not relied on, since nothing protects it."""
    name: str
    """Where its ``Signature.xml`` is."""
    there: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """A part that a signature says it is about."""

    name: str
    there: bool
    value: bytes
    """The digest; empty where it is no base64."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where a seal stands."""

    page: str
    """The page's identifier."""
    box: Box
    clip: Box | None
    """Of the seal, the part that is shown; from its own upper left corner."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a ``Signature.xml`` says; ``raw`` is what is signed."""

    name: str
    raw: bytes
    provider: str
    method: str
    """The signature algorithm, as an object identifier."""
    time_text: str
    check_method: str
    references: tuple[Reference, ...]
    stamps: tuple[Stamp, ...]
    seal: str | None
    """Where the seal's own file is."""
    seal_there: bool
    signed_value: str
    signed_value_there: bool

    @property
    def time(self) -> datetime | None:
        """The time of signing as the description says; Beijing time where it names no zone."""
        match = _TIME.fullmatch(self.time_text)
        if match is None:
            return None
        try:
            return der.time_of("".join(part or "" for part in match.groups()).replace(":", ""))
        except der.NotDer:
            return None


def entries(container: Container, name: str) -> tuple[Entry, ...]:
    """Return the signatures that a list names, in its order; raises ``UnreadableOfd``."""
    root = markup.parse(container.read(name, limit=limits.MAX_XML), root="Signatures", part=name)
    found: list[Entry] = []
    for element in root.all("Signature"):
        if len(found) >= limits.MAX_SIGNATURES:
            raise UnreadableOfd(Problem.TOO_MANY, name)
        place, there = paths.locate(container, paths.folder(name), element.get("BaseLoc"))
        found.append(Entry(element.get("ID")[:_MAX_TEXT], element.get("Type")[:_MAX_TEXT], place, there))
    return tuple(found)


def describe(container: Container, name: str) -> Description:
    """Return what a ``Signature.xml`` says; raises ``UnreadableOfd``."""
    raw = container.read(name, limit=limits.MAX_XML)
    root = markup.parse(raw, root="Signature", part=name)
    info = root.only("SignedInfo")
    references = info.only("References") if info is not None else None
    if info is None or references is None:
        raise UnreadableOfd(Problem.STRUCTURE, name)
    base = paths.folder(name)
    provider = info.only("Provider")
    seal = info.only("Seal")
    seal_place = seal.value("BaseLoc") if seal is not None else ""
    seal_name, seal_there = paths.locate(container, base, seal_place) if seal_place else ("", False)
    value_name, value_there = paths.locate(container, base, root.value("SignedValue"))
    return Description(
        name=name,
        raw=raw,
        provider=provider.get("ProviderName")[:_MAX_TEXT] if provider is not None else "",
        method=info.value("SignatureMethod")[:_MAX_TEXT],
        time_text=info.value("SignatureDateTime")[:_MAX_TEXT],
        check_method=references.get("CheckMethod")[:_MAX_TEXT],
        references=tuple(_references(container, base, references, name)),
        stamps=tuple(_stamps(info, name)),
        seal=seal_name or None,
        seal_there=seal_there,
        signed_value=value_name,
        signed_value_there=value_there,
    )


def _references(container: Container, base: str, within: markup.Element, part: str) -> list[Reference]:
    listed = within.all("Reference")
    if len(listed) > limits.MAX_REFERENCES:
        raise UnreadableOfd(Problem.TOO_MANY, part)
    found = []
    for element in listed:
        name, there = paths.locate(container, base, element.get("FileRef"))
        try:
            value = base64.b64decode("".join(element.value("CheckValue").split()), validate=True)
        except (binascii.Error, ValueError):
            value = b""
        found.append(Reference(name, there, value))
    return found


def _stamps(info: markup.Element, part: str) -> list[Stamp]:
    listed = info.all("StampAnnot")
    if len(listed) > limits.MAX_STAMPS:
        raise UnreadableOfd(Problem.TOO_MANY, part)
    found = []
    for element in listed:
        box = box_of(element.get("Boundary"))
        if box is not None:
            clip = element.get("Clip")
            found.append(Stamp(element.get("PageRef")[:_MAX_TEXT], box, box_of(clip) if clip else None))
    return found
