"""One file through the pipeline: what it is, what is signed in it, the report. Runs in the worker."""

from __future__ import annotations

import asyncio
import hashlib
import io
from importlib.metadata import version
from typing import IO, TYPE_CHECKING, Final

from kouan.apps.signing.validating import report
from kouan.apps.signing.validating.formats.base import MAX_WHOLE, Beside, Unreadable
from kouan.apps.signing.validating.formats.registry import format_of
from kouan.apps.signing.validating.report import SubIndication

if TYPE_CHECKING:
    from kouan.apps.signing.validating.engine import Engine
    from kouan.apps.signing.validating.report import FileReport

_CHUNK: Final = 1 << 20


def validated(file: IO[bytes], judge: Engine, document: IO[bytes] | None = None) -> FileReport:
    """Return the report on a file, all but what the trust lists say. Never raises for its bytes.

    ``document`` is what a detached signature in the file is about.
    """
    digest, size = _measured(file)
    if document is not None and document.seek(0, io.SEEK_END) > MAX_WHOLE:
        return report.unreadable(
            "document-beside-too-large", SubIndication.SIGNED_DATA_NOT_FOUND, digest=digest, size=size
        )
    return _validated(file, judge, document, digest, size)


def _validated(
    file: IO[bytes], judge: Engine, document: IO[bytes] | None, digest: str, size: int
) -> FileReport:
    beside = None
    if document is not None:
        document.seek(0)
        beside = Beside(document.read(MAX_WHOLE))
    format_ = format_of(file)
    if format_ is None:
        return report.FileReport(
            verdict=None, reasons=(report.Reason(code="unknown-format"),), digest=digest, size=size
        )
    try:
        found = asyncio.run(format_.signatures(file, size, judge, beside))
    except Unreadable as error:
        return report.unreadable(
            error.code, error.sub, detail=error.detail, format_=format_.name, digest=digest, size=size
        )
    except (RecursionError, MemoryError):
        return report.unreadable(
            "too-complex", SubIndication.GENERIC, format_=format_.name, digest=digest, size=size
        )
    whole = report.summed(
        found.signatures,
        format_=format_.name,
        digest=digest,
        size=size,
        pages=found.pages,
        pinned=_pinned(judge),
        notes=found.notes,
    )
    return whole if beside is None else _with_document(whole, beside)


def _with_document(found: FileReport, beside: Beside) -> FileReport:
    """Return a report that names the document beside the file, if every signature that counts is about it.

    Else it says nothing of the document, and passes for nothing: somebody asked about both.
    """
    places = {place for place, each in enumerate(found.signatures) if each.kind != "timestamp"}
    if places and places <= beside.places:
        return found.model_copy(update={"document_digest": beside.digest})
    reasons = (*found.reasons, report.Reason(code="document-beside-unused"))
    if found.verdict is not report.Verdict.TOTAL_PASSED:
        return found.model_copy(update={"reasons": reasons})
    sub = SubIndication.SIGNED_DATA_NOT_FOUND
    return found.model_copy(
        update={
            "verdict": report.indication(sub),
            "sub_indication": sub,
            "recognised": False,
            "reasons": (report.Reason(code="signed-data-not-found"), *reasons),
        }
    )


def _pinned(judge: Engine) -> report.Pinned:
    trust = judge.trust
    known = [("crl", each) for each in trust.crls] + [("ocsp", each) for each in trust.ocsps]
    return report.Pinned(
        revocation=tuple(f"{kind}:{hashlib.sha256(data).hexdigest()}" for kind, data in known),
        validated_at=judge.timing().validation_time,
        software=f"kouan {version('kouan')}, pyHanko {version('pyhanko')}",
    )


def _measured(file: IO[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while piece := file.read(_CHUNK):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size
