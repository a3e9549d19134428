"""Files that a person attaches: bounded, in memory only until they are sealed, and what they say they are."""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Sum
from django.utils import timezone

from kouan.apps.services.applying import errors
from kouan.apps.services.domain import State
from kouan.apps.services.models import Application, ApplicationFile
from kouan.apps.services.payloads import MAX_FILE, MAX_FILES
from kouan.apps.services.sealing import seal, unseal
from kouan.core.database.locks import take_turn
from kouan.web.uploads import EveryFile, taking_file

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from django.core.files.uploadedfile import UploadedFile

KINDS: Final = {"application/pdf": "PDF", "image/png": "PNG", "image/jpeg": "JPEG"}
MOST_KEPT: Final = 200 << 20
"""Bytes of all files in one person's drafts; what was sent does not count."""
_OPEN: Final = (State.DRAFT, State.COSIGNING)
_TAIL: Final = 1024
_MOST_NAME: Final = 120
_UNSOUND: Final = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|\u202a-\u202e\u2066-\u2069]+")


taking_files: Final = taking_file(
    MAX_FILE, lambda: errors.FileTooBig(limit=MAX_FILE >> 20), EveryFile, broken=errors.FileEmpty
)
"""Prepares a view whose form may bring files, no larger together than an application's one may be.

Raises ``FileTooBig``, or ``FileEmpty`` for what broke off.
"""


def kind_of(data: bytes) -> str:
    """Return what bytes are, by their beginning and end; empty for none of the kinds that are taken."""
    tail = data[-_TAIL:]
    if data.startswith(b"%PDF-") and b"%%EOF" in tail:
        return "application/pdf"
    if data.startswith(b"\x89PNG\r\n\x1a\n") and b"IEND" in tail:
        return "image/png"
    if data.startswith(b"\xff\xd8\xff") and b"\xff\xd9" in tail:
        return "image/jpeg"
    return ""


def taken(file: UploadedFile[Any], media: Collection[str]) -> tuple[str, str, bytes]:
    """Return a file's name, kind and bytes; raises ``FileEmpty``, ``FileTooBig`` or ``WrongFile``."""
    name, data = sound_name(file.name or ""), file.read()
    if not data:
        raise errors.FileEmpty
    if len(data) > MAX_FILE:
        raise errors.FileTooBig(limit=MAX_FILE >> 20)
    kind = kind_of(data)
    if kind not in media:
        raise errors.WrongFile(name=name, kinds=", ".join(KINDS[each] for each in KINDS if each in media))
    return name, kind, data


def sound_name(name: str) -> str:
    """Return a file's name without what could mislead whoever opens it."""
    name = _UNSOUND.sub("_", name).strip(". ") or "file"
    if len(name) <= _MOST_NAME:
        return name
    stem, dot, ending = name.rpartition(".")
    return f"{(stem or name)[: _MOST_NAME - 10]}{dot}{ending[:9]}"


def keep(row: Application, *, place: str, name: str, media_type: str, data: bytes) -> ApplicationFile:
    """Seal a file into an application, in the caller's transaction.

    Raises ``TooManyFiles``, or ``TooMuchKept`` for more than a person's drafts may hold together.
    """
    if row.files.count() >= MAX_FILES:
        raise errors.TooManyFiles(most=MAX_FILES)
    take_turn(f"files of {row.person}")
    kept = ApplicationFile.objects.filter(application__person=row.person, application__state__in=_OPEN)
    if (kept.aggregate(all=Sum("size"))["all"] or 0) + len(data) > MOST_KEPT:
        raise errors.TooMuchKept(limit=MOST_KEPT >> 20)
    key = uuid.uuid4()
    return ApplicationFile.objects.create(
        key=key,
        application=row,
        place=place[:120],
        name=name,
        media_type=media_type,
        size=len(data),
        sha256=hashlib.sha256(data).digest(),
        content=seal(data, of=f"application file {key}"),
        added_at=timezone.now(),
    )


def content_of(file: ApplicationFile) -> bytes:
    """Return a file as it was attached."""
    return unseal(file.content, of=f"application file {file.key}")


def prune(row: Application, named: Mapping[str, str]) -> None:
    """Erase files to questions that no answer names any more (``named``: digests by path)."""
    digests = set(named.values())
    for file in row.files.filter(place__startswith="answers.").only("id", "sha256"):
        if bytes(file.sha256).hex() not in digests:
            file.delete()
