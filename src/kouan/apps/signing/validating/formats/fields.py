"""Whether what was filled into a PDF's form when it was signed says something else now (ISO 32000-2 s. 12.7).

The library lets fields be filled in after a signature that says nothing of changes, and a field that was
filled in before can be filled in again: with another amount than the one that was signed.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.sign.diff_analysis.constants import FORMFIELD_ALWAYS_MODIFIABLE, VALUE_UPDATE_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

_MAY_CHANGE: Final = tuple(sorted(VALUE_UPDATE_KEYS - FORMFIELD_ALWAYS_MODIFIABLE))
"""What the library lets be changed of a field: its value, and how it looks."""
_AROUND: Final = frozenset({"/P", "/Parent", "/StructParent", "/Length", "/Filter", "/DecodeParms"})
"""What leads out of a thing, or says how it is written and not what it is."""
_DEEPEST: Final = 50
_MOST: Final = 20_000
"""Fields, and parts of what they look like, that are gone through."""


class _TooMuch(ValueError):
    """A form of more than is gone through."""


def changed(one: EmbeddedPdfSignature) -> bool:
    """Whether a field that had a value when this was signed has another value or look in the file.

    Not where the signature says itself what may be changed (DocMDP, FieldMDP): the library looks at that.
    A form that cannot be read, or is larger than is gone through, counts as changed.
    """
    if one.docmdp_level is not None or one.fieldmdp is not None:
        return False
    try:
        before = _filled(one.reader.get_historical_resolver(one.signed_revision).root)
        after = _filled(one.reader.root) if before else {}
    except Exception:  # noqa: BLE001 - the library's errors on foreign bytes are many
        return True
    return any(after.get(name) != said for name, said in before.items())


def _filled(root: Any) -> dict[str, bytes]:
    """Return the fields that have a value, by their full names, with a digest of what they show."""
    try:
        fields = root["/AcroForm"]["/Fields"]
    except KeyError:
        return {}
    kept, found = _Digests(), dict[str, bytes]()
    for name, field, value in _terminal(fields, "", {}, 0):
        if value is not None:
            found[name] = found.get(name, b"") + kept.of_field(field, value)
    return found


def _terminal(
    fields: Any, above: str, inherited: dict[str, Any], depth: int
) -> Iterator[tuple[str, Any, Any]]:
    """Yield each field without others in it, with its full name and its value; ``None`` where it has none.

    A signature is no value here: what becomes of those the library looks at.
    """
    if depth > _DEEPEST:
        raise _TooMuch
    for each in fields:
        field = each.get_object()
        known = {**inherited, **{key: field[key] for key in ("/V", "/FT") if key in field}}
        name = ".".join(filter(None, (above, str(field["/T"]) if "/T" in field else "")))
        kids = [kid for kid in _kids(field) if "/T" in kid.get_object()]
        if kids:
            yield from _terminal(kids, name, known, depth + 1)
        else:
            value = known.get("/V", "")
            yield name, field, None if known.get("/FT") == "/Sig" or value == "" else value


def _kids(field: Any) -> Any:
    try:
        return field["/Kids"]  # its ``get`` would not follow a reference
    except KeyError:
        return ()


class _Digests:
    """Digests of objects by what they say, wherever and however they are written."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], bytes] = {}
        self._seen = 0

    def of_field(self, field: Any, value: Any) -> bytes:
        """Return the digest of what a field shows; its widgets may be the field itself, or stand below it."""
        parts = [self._of(value, 0)]
        for widget in (field, *(kid.get_object() for kid in _kids(field))):
            parts += [
                self._of(widget.raw_get(key), 0) if key in widget else b""
                for key in _MAY_CHANGE
                if key != "/V"
            ]
        return hashlib.sha256(b"".join(map(_framed, parts))).digest()

    def _of(self, value: Any, depth: int) -> bytes:
        self._seen += 1
        if self._seen > _MOST or depth > _DEEPEST:
            raise _TooMuch
        if isinstance(value, generic.IndirectObject):
            place = (value.idnum, value.generation)
            if place not in self._known:
                self._known[place] = b"again"  # one that leads back to itself
                self._known[place] = self._of(value.get_object(), depth + 1)
            return self._known[place]
        parts: list[bytes] = []
        if isinstance(value, generic.DictionaryObject):
            for key in sorted(set(value) - _AROUND):
                parts += [key.encode(), self._of(value.raw_get(key), depth + 1)]
        if isinstance(value, generic.StreamObject):
            parts.append(value.data)
        elif isinstance(value, generic.ArrayObject):
            parts = [self._of(value.raw_get(at), depth + 1) for at in range(len(value))]
        elif not isinstance(value, generic.DictionaryObject):
            parts = [bytes(value) if isinstance(value, bytes) else str(value).encode("utf-8", "replace")]
        digest = hashlib.sha256(type(value).__name__.encode())
        for part in parts:
            digest.update(_framed(part))
        return digest.digest()


def _framed(part: bytes) -> bytes:
    return len(part).to_bytes(8, "big") + part
