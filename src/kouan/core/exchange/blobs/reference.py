"""What a message says of a file that travels apart; pure, so declarations and formats can use it."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Annotated, Any, Final

from annotated_types import Ge, Le, Len
from pydantic import BaseModel, ConfigDict, StringConstraints

MAX_BLOB: Final = 2 << 30
"""The most bytes that any declaration may allow one file."""
MAX_BLOBS: Final = 16
"""The most files that any declaration may allow one message."""
MAX_MEDIA_TYPE: Final = 100


class Blob(BaseModel):
    """A file beside the message: a payload's field of this type names one.

    ``sha256`` and ``size`` (bytes) are those of the content, so the sender's signature over the message
    covers the file. ``key`` is the file's own key, wrapped to the receiver's key ``kid`` (HPKE), so
    that whoever sees the opened message, as in an evidence bundle, cannot open the file.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)

    id: Annotated[bytes, Len(16, 16)]
    sha256: Annotated[bytes, Len(32, 32)]
    size: Annotated[int, Ge(0), Le(MAX_BLOB)]
    media_type: Annotated[
        str, StringConstraints(max_length=MAX_MEDIA_TYPE, pattern=r"^[a-z0-9.+-]+/[a-z0-9.+-]+$")
    ]
    kid: Annotated[bytes, Len(16, 16)]
    key: Annotated[bytes, Len(80, 80)]


@dataclass(frozen=True, slots=True)
class BlobLimit:
    """How many files one message of a declaration may name, and how many bytes each may have."""

    most: int
    each_bytes: int

    def __post_init__(self) -> None:
        if not 1 <= self.most <= MAX_BLOBS or not 1 <= self.each_bytes <= MAX_BLOB:
            raise ValueError(f"blobs: 1 to {MAX_BLOBS} files of 1 to {MAX_BLOB} bytes each")


def names_blobs(payload: type[BaseModel]) -> bool:
    """Whether a payload of this type has a place, however deep, for a file's reference."""
    return any(_mentions(field.annotation, {payload}) for field in payload.model_fields.values())


def _mentions(annotation: Any, seen: set[type[BaseModel]]) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if issubclass(annotation, Blob):
            return True
        if annotation in seen:
            return False
        seen.add(annotation)
        return any(_mentions(field.annotation, seen) for field in annotation.model_fields.values())
    return any(_mentions(inner, seen) for inner in typing.get_args(annotation))


def blobs_in(value: object) -> tuple[Blob, ...]:
    """Return every file's reference in a payload, in the order of its fields."""
    match value:
        case Blob():
            return (value,)
        case BaseModel():
            return tuple(blob for name in type(value).model_fields for blob in blobs_in(getattr(value, name)))
        case list() | tuple():
            return tuple(blob for inner in value for blob in blobs_in(inner))
        case dict():
            return tuple(blob for inner in value.values() for blob in blobs_in(inner))
        case _:
            return ()
