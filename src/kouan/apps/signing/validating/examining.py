"""What "validate a document" asks of this app."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, Final

from django.urls import reverse

from kouan.apps.signing.ofd.codes import DocumentNote
from kouan.apps.signing.validating import labels, queries, services
from kouan.apps.signing.validating.errors import UnknownReport
from kouan.apps.signing.validating.formats.registry import format_of
from kouan.web.signatures import Examined

if TYPE_CHECKING:
    import uuid

    from kouan.apps.signing.validating.report import FileReport

_SPOILT: Final = frozenset({
    "signature-does-not-hold", "changed-since-signing", "signed-data-elsewhere", "weak-key",
    "other-signing-certificate", "malformed-certificate",
})  # fmt: skip
"""Why a JWS does not pass that was signed with a certificate: it shows none, and is no mere token."""
TRACES: Final = frozenset(
    {DocumentNote.UNLISTED_SIGNATURE, DocumentNote.EMPTY_LIST, DocumentNote.UNREADABLE_LIST}
)


def examine(file: IO[bytes], document: IO[bytes] | None = None) -> Examined | None:
    """Validate a file's signatures and keep the report; nothing for a file without any.

    ``document`` is what they are about, where they stand apart from it.
    """
    found = _found(file, document)
    if found is None:
        return None
    row = services.keep(found, file, document)
    file.seek(0)
    return _examined(row.key, found)


def report(file: IO[bytes], document: IO[bytes] | None = None) -> dict[str, Any] | None:
    """Return the report on a file's signatures as JSON has it; nothing for a file without any."""
    found = _found(file, document)
    return None if found is None else found.model_dump(mode="json")


def _found(file: IO[bytes], document: IO[bytes] | None) -> FileReport | None:
    if format_of(file) is None:
        return None
    found = services.validate(file, document)
    return found if worth_showing(found) else None


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
    return any(
        each.chain or each.intact or found.format != "jws" or _SPOILT & {why.code for why in each.reasons}
        for each in found.signatures
    )


def _examined(key: uuid.UUID, found: FileReport) -> Examined:
    verdict = found.verdict
    return Examined(
        key,
        reverse("signing:report", args=[key]),
        labels.title(found),
        "unknown" if verdict is None else labels.SIGNS[verdict],
    )
