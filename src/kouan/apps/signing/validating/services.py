"""Validating a file on this node: with its lists and its revocation data, and the report kept for a day."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q
from django.db.models.functions import Length
from django.utils import timezone

from kouan.apps.signing.lists import queries as lists
from kouan.apps.signing.lists.domain import Status, anchors
from kouan.apps.signing.models import ReportPage, RevocationData, SignatureReport, ValidationAccess
from kouan.apps.signing.validating import pool
from kouan.apps.signing.validating.errors import BadValidationToken, ValidationBusy
from kouan.apps.signing.validating.formats.registry import format_of
from kouan.apps.signing.validating.recognising import with_recognition
from kouan.apps.signing.validating.trust import Period, Trust
from kouan.web import tokens

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from kouan.apps.signing.lists.domain import Edition
    from kouan.apps.signing.validating.report import FileReport

KEPT: Final = timedelta(days=1)
"""How long a report is kept."""
_SHOWN: Final = {"pdf", "ofd"}
"""Formats that have pages."""
_DRAWN: Final = 5
"""Pages of a file that are drawn, at most."""
_STALE: Final = timedelta(days=400)
"""How long past its time revocation data is kept: old signatures are judged by what was known then."""
_MOST_DATA: Final = 128 << 20
"""Bytes of revocation data that files are judged by: read, it takes a worker several times as much."""

log = logging.getLogger(__name__)
_trusts: dict[tuple[object, ...], Trust] = {}


def trust() -> Trust:
    """Return what this node judges by now: made once for the lists and the data that are here."""
    editions = lists.current()
    # By what they are, and not by the editions alone: an entry's time may begin while its edition stays.
    roots = tuple(each.certificate for each in anchors(editions, timezone.now()))
    known = RevocationData.objects.aggregate(last=Max("pk"))["last"]
    named = [*([settings.NODE.time.ca] if settings.NODE.time else []),
             *(each.ca for each in settings.NODE.former_time)]  # fmt: skip
    stamps = tuple(each.stat().st_mtime_ns if each.exists() else 0 for each in named)
    key = (tuple(each.digest for each in editions), roots, known, RevocationData.objects.count(), stamps)
    found = _trusts.get(key)
    if found is None:
        _trusts.clear()
        found = _trusts[key] = _trust(editions, roots)
    return found


def _trust(editions: tuple[Edition, ...], roots: tuple[bytes, ...]) -> Trust:
    chosen = _chosen(timezone.now())
    found = RevocationData.objects.only("kind", "data").in_bulk(chosen)
    rows = [(found[each].kind, found[each].data) for each in chosen if each in found]
    certificates = {entry.issuing_ca for edition in editions for entry in edition.entries}
    present = _pem_certificates(settings.NODE.time.ca) if settings.NODE.time else []
    former = [
        Period(root, until=each.until)
        for each in settings.NODE.former_time
        for root in _pem_certificates(each.ca)
    ]
    return Trust(
        roots=roots,
        time_roots=tuple(dict.fromkeys((*present, *(each.root for each in former)))),
        certificates=tuple(sorted(certificates)),
        crls=tuple(bytes(data) for kind, data in rows if kind == "crl"),
        ocsps=tuple(bytes(data) for kind, data in rows if kind == "ocsp"),
        periods=(*listed_periods(editions), *(Period(each) for each in present), *former),
    )


def _chosen(now: datetime) -> list[int]:
    """Return which revocation data files are judged by: as much as a worker can hold.

    The newest of each issuer comes first, with all that is still in its time: an issuer may have several
    lists, each for a part of its certificates. Then comes what tells of earlier times, the newest first, of
    each issuer as many.
    """
    rows = RevocationData.objects.annotate(size=Length("data")).order_by("-this_update", "-pk")
    seen: Counter[tuple[str, str]] = Counter()
    ordered: list[tuple[bool, int, int, int]] = []
    for pk, kind, issuer, until, size in rows.values_list("pk", "kind", "issuer", "next_update", "size"):
        rank = seen[kind, issuer]
        seen[kind, issuer] += 1
        over = until is None or until <= now
        ordered.append((over and rank > 0, rank, pk, size))
    chosen, room = [], _MOST_DATA
    for _earlier, _rank, pk, size in sorted(ordered):
        if size <= room:
            chosen.append(pk)
            room -= size
    if len(chosen) < len(ordered):
        log.warning(
            "%s of %s lists and responses are judged by: more are too much", len(chosen), len(ordered)
        )
    return sorted(chosen)


def listed_periods(editions: Iterable[Edition]) -> tuple[Period, ...]:
    """Return when each root was recognised by an entry of a list: then its time-stamps count, too."""
    found = set()
    for entry in (each for edition in editions for each in edition.entries):
        ends = [*(each.since for each in entry.history[1:]), entry.recognised_until]
        for change, end in zip(entry.history, ends, strict=True):
            if change.status is not Status.WITHDRAWN:
                found.add(Period(entry.root, change.since, min(end, entry.recognised_until)))
    return tuple(sorted(found, key=lambda each: (each.root, str(each.since), str(each.until))))


def _pem_certificates(path: Path) -> list[bytes]:
    from asn1crypto import pem  # noqa: PLC0415 - where there is no authority it is not needed

    if not path.exists():
        return []
    data = path.read_bytes()
    return [der for kind, _headers, der in pem.unarmor(data, multiple=True) if kind == "CERTIFICATE"]


def validate(file: IO[bytes], document: IO[bytes] | None = None) -> FileReport:
    """Return the report on an open file, with what the lists say; raises ``ValidationBusy``.

    ``document`` is what a detached signature in the file is about.
    """
    judged_by = trust()
    try:
        found = pool.shared().validate(file, judged_by, document=document)
    except pool.Busy:
        raise ValidationBusy from None
    finally:
        for each in (file, *(() if document is None else (document,))):
            each.seek(0)
    if not found.digest:
        found = found.model_copy(update={"digest": hashlib.file_digest(file, "sha256").hexdigest()})  # type: ignore[arg-type]
        file.seek(0)
    return with_recognition(found, lists.current(), now=timezone.now())


def keep(found: FileReport, file: IO[bytes], document: IO[bytes] | None = None) -> SignatureReport:
    """Keep a report, and the pages on which its signatures stand, for a day.

    Of a ``document`` that signatures apart from it are about, the first page is what they are shown on.
    """
    pictures = _pictures(found, file)
    about = None if document is None or not found.document_digest else format_of(document)
    if document is not None and about is not None and about.name in _SHOWN:
        pictures = _drawn(document, [1])
    now = timezone.now()
    with transaction.atomic():
        row = SignatureReport.objects.create(
            created_at=now, expires_at=now + KEPT, report=found.model_dump_json()
        )
        ReportPage.objects.bulk_create(
            ReportPage(report=row, number=number, picture=data) for number, data in pictures.items()
        )
    return row


def _pictures(found: FileReport, file: IO[bytes]) -> dict[int, bytes]:
    """Draw the first page, and those on which something is signed; what cannot be drawn is left out."""
    if found.format not in _SHOWN:
        return {}
    wanted = sorted({1, *(each.place.page for each in found.signatures if each.place is not None)})
    return _drawn(file, [each for each in wanted if 0 < each <= max(found.pages, 1)][:_DRAWN])


def _drawn(file: IO[bytes], numbers: Iterable[int]) -> dict[int, bytes]:
    pictures: dict[int, bytes] = {}
    for number in numbers:
        try:
            file.seek(0)
            pictures[number] = pool.shared().draw(file, {"page": number})
        except pool.Ended:
            continue
    return pictures


def forget() -> bool:
    """Erase reports whose day is over, and revocation data that is too old to judge anything by."""
    now = timezone.now()
    SignatureReport.objects.filter(expires_at__lte=now).delete()
    old = now - _STALE
    undated = Q(next_update=None, received_at__lte=old)  # such data is out of date soon after it was made
    RevocationData.objects.filter(Q(next_update__lte=old) | undated).delete()
    return False


def issue_token(*, name: str, life: timedelta = tokens.LIFE) -> str:
    """Return a new token for a program that validates often. It is shown once and cannot be shown again."""
    made, now = tokens.new_token("sign"), timezone.now()
    ValidationAccess.objects.create(
        name=name[:80], prefix=made.prefix, digest=made.digest, created_at=now, expires_at=now + life
    )
    return made.token


def revoke_token(*, prefix: str) -> int:
    """Revoke the tokens that begin with ``prefix``; return how many."""
    return tokens.revoke(ValidationAccess.objects.all(), prefix)


def use_token(token: str) -> ValidationAccess:
    """Return the access that a token gives; raises ``BadValidationToken``."""
    found = tokens.find(ValidationAccess.objects.all(), token)
    if found is None:
        raise BadValidationToken
    return found


def signed(found: FileReport) -> bool:
    """Whether there is something to say about signatures in a file."""
    return found.verdict is not None and (bool(found.signatures) or found.format is not None)


def validated_at(found: FileReport) -> datetime | None:
    """Return when a report was made."""
    return found.pinned.validated_at
