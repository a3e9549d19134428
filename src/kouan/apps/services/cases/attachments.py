"""Files beside a case: fetched, held against what they say they are, and kept sealed."""

from __future__ import annotations

import hashlib
import re
import uuid
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from kouan.apps.services import sealing
from kouan.apps.services.cases.errors import CaseRestricted, FileNotSafe
from kouan.apps.services.models import Case, CaseFile
from kouan.core.exchange.blobs.errors import BlobDamaged
from kouan.core.exchange.blobs.reading import open_blob

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kouan.apps.services.payloads import Attachment

_BEGINNINGS: Final = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
}
"""The types that are taken, and how their bytes begin."""
TYPES: Final = tuple(_BEGINNINGS)
_ENDINGS: Final = {
    "application/pdf": (".pdf",),
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
}


class Fault(StrEnum):
    """Why a file is not opened."""

    OTHER_TYPE = "other-type"
    """A type that no officer's program should be trusted with."""
    OTHER_BYTES = "other-bytes"
    """Its bytes are not of the type that it says."""
    OTHER_NAME = "other-name"
    """Its name ends like another type's."""
    TWO_IN_ONE = "two-in-one"
    """A picture or a paper with a program behind it."""


_ENDS: Final = {
    "application/pdf": b"%%EOF",
    "image/png": b"IEND\xaeB`\x82",
    "image/jpeg": b"\xff\xd9",
}
"""How each type marks its end; a PDF that was added to has several."""
_PROGRAMS: Final = {
    type_: re.compile(re.escape(end) + rb"\s{0,64}+(?:MZ|\x7fELF|PK\x03\x04|#!)")
    for type_, end in _ENDS.items()
}
"""A program right behind an end."""
_PACKED: Final = re.compile(rb"PK\x03\x04.\x00..[\x00\x08\x09\x0c\x0e\x5d\x5f\x62]\x00", re.DOTALL)
"""The head of a file in a ZIP archive, up to how it is packed: four bytes alone come up by chance."""
_LISTED: Final = b"PK\x01\x02"
_LIST_ENDS: Final = b"PK\x05\x06"
_LIST_END_BYTES: Final = 22 + 0xFFFF
"""How far from the end of a file programs look for an archive's list of files."""


def fault_of(name: str, media_type: str, content: bytes) -> Fault | None:
    """Say why a file is not what it says it is; ``None`` for one that is."""
    beginnings = _BEGINNINGS.get(media_type)
    if beginnings is None:
        return Fault.OTHER_TYPE
    if not content.startswith(beginnings):
        return Fault.OTHER_BYTES
    if not name.lower().endswith(_ENDINGS[media_type]):
        return Fault.OTHER_NAME
    if _goes_on(media_type, content):
        return Fault.TWO_IN_ONE
    return None


def _goes_on(media_type: str, content: bytes) -> bool:
    """Whether another file stands behind the end of this one, as in a picture that is an archive too."""
    end = content.find(_ENDS[media_type])
    if end < 0 and media_type == "image/png":
        return True
    if _PROGRAMS[media_type].search(content) or _is_archive(content):
        return True
    return end >= 0 and _PACKED.search(content, end) is not None


def _is_archive(content: bytes) -> bool:
    """Whether programs open it as a ZIP archive, which they look for from the end, whatever stands before."""
    at = content.rfind(_LIST_ENDS, -_LIST_END_BYTES)
    return at >= 0 and content.rfind(_LISTED, 0, at) >= 0


def keep(
    *, case: Case, attachments: Sequence[Attachment], sender: str, message_id: uuid.UUID
) -> list[CaseFile]:
    """Fetch and keep files; one that is not what it says is kept too, and nobody can open it."""
    kept = []
    for each in attachments:
        with open_blob(sender=sender, message_id=message_id, blob_id=each.file.id) as source:
            content = source.read()
        digest = hashlib.sha256(content).digest()
        if digest != each.file.sha256:
            raise BlobDamaged
        row = CaseFile(
            key=uuid.uuid4(),
            case=case,
            place=each.place,
            name=each.name,
            media_type=each.file.media_type,
            size=len(content),
            sha256=digest,
            fault=fault_of(each.name, each.file.media_type, content) or "",
        )
        row.content = sealing.seal(content, of=f"case-file {row.key}")
        row.save(force_insert=True)
        kept.append(row)
    return kept


def opened(row: CaseFile) -> bytes:
    """Return a file's content; raises ``FileNotSafe`` for one that is not what it says it is.

    Raises ``CaseRestricted`` where the applicant has withdrawn their consent.
    """
    if row.case.restricted_at is not None:
        raise CaseRestricted
    if row.fault:
        raise FileNotSafe
    return sealing.unseal(row.content, of=f"case-file {row.key}")
