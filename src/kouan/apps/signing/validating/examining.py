"""What "validate a document" asks of this app."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

from django.urls import reverse

from kouan.apps.signing.ofd.codes import DocumentNote
from kouan.apps.signing.validating import labels, queries, services
from kouan.apps.signing.validating.errors import UnknownReport
from kouan.apps.signing.validating.formats.registry import format_of
from kouan.web.signatures import Examined

if TYPE_CHECKING:
    import uuid

    from kouan.apps.signing.validating.report import FileReport

TRACES: Final = frozenset(
    {DocumentNote.UNLISTED_SIGNATURE, DocumentNote.EMPTY_LIST, DocumentNote.UNREADABLE_LIST}
)


def examine(file: IO[bytes]) -> Examined | None:
    """Validate a file's signatures and keep the report; nothing for a file without any."""
    if format_of(file) is None:
        return None
    found = services.validate(file)
    if not worth_showing(found):
        return None
    row = services.keep(found, file)
    file.seek(0)
    return _examined(row.key, found)


def find(key: uuid.UUID) -> Examined | None:
    """Return what a kept report comes to."""
    try:
        return _examined(key, queries.kept(key).report)
    except UnknownReport:
        return None


def worth_showing(found: FileReport) -> bool:
    """Whether a report says something of signatures; a JSON Web Token without certificates has none.

    Traces of a signature that is not there any more are something, too.
    """
    if any(each.code in TRACES for each in found.reasons):
        return True
    return any(each.chain or each.intact or found.format != "jws" for each in found.signatures)


def _examined(key: uuid.UUID, found: FileReport) -> Examined:
    verdict = found.verdict
    title = labels.reason("no-signature") if verdict is None else str(labels.VERDICTS[verdict])
    return Examined(
        key,
        reverse("signing:report", args=[key]),
        title,
        "unknown" if verdict is None else labels.SIGNS[verdict],
    )
