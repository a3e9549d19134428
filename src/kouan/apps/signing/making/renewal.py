"""Keeping signatures provable (PAdES B-LTA, ETSI EN 319 142-1 section 5.5): a new time-stamp in time.

A time-stamp proves as long as its authority's certificate and its algorithms do. Before the first of them
ends, the whole file, with all that verifies the stamp before, is stamped anew. That is a chore of the
worker: it finds what is due, makes the new file beside the database, and writes it over the very content
that it renewed, or not at all.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import cms, x509
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from kouan.apps.signing.making import updates
from kouan.apps.signing.making.errors import NotArchived, NotRenewable
from kouan.apps.signing.making.overdue import due
from kouan.apps.signing.making.pdf import MAX_PDF
from kouan.apps.signing.models import ArchivedDocument
from kouan.apps.signing.validating import services
from kouan.core.errors import KouanError
from kouan.core.exchange import stamp
from kouan.core.exchange.stamper import stamper
from kouan.core.exchange.stamping import MAX_STAMP

if TYPE_CHECKING:
    import uuid

    from kouan.sections import TimeSettings

log = logging.getLogger(__name__)

MARGIN: Final = timedelta(days=90)
"""How long before the end a stamp is renewed."""
SOONEST: Final = timedelta(days=7)
"""After a stamp that itself ends within the margin."""
_LAST_DAY: Final = timedelta(days=1)
_MAX_TOKEN: Final = 4 * MAX_STAMP
"""Bytes of a time-stamp that is read here."""
ALGORITHMS_END: Final[dict[str, datetime]] = {
    "sha1": datetime(2011, 1, 1, tzinfo=UTC),
    "sha256": datetime(2031, 1, 1, tzinfo=UTC),
    "sha384": datetime(2036, 1, 1, tzinfo=UTC),
    "sha512": datetime(2036, 1, 1, tzinfo=UTC),
}
"""Until when a digest is relied on for long (after the tables of ETSI TS 119 312); another is due at once."""


def keep(content: bytes, *, file_name: str, now: datetime | None = None) -> uuid.UUID:
    """Put a signed PDF with a document time-stamp into the archive; return its number.

    Raises ``NotRenewable`` when it has no such stamp, or one that does not lead to the authority of
    ``[time]``.
    """
    now = now or timezone.now()
    due = _due_of(content, _roots(), now)
    row = ArchivedDocument.objects.create(
        file_name=file_name[:255],
        content=content,
        sha256=hashlib.sha256(content).digest(),
        renew_at=due,
        kept_at=now,
    )
    return row.pk


def is_stamped(content: bytes) -> bool:
    """Whether a file is a PDF with a document time-stamp, sound or not."""
    try:
        _last_stamp(content)
    except NotRenewable:
        return False
    return True


def kept(*, most: int = 200) -> list[ArchivedDocument]:
    """Return what is in the archive, what is due first, without its content."""
    return list(ArchivedDocument.objects.defer("content").order_by("renew_at", "pk")[:most])


def find(document: uuid.UUID) -> ArchivedDocument:
    """Return an archived document; raises ``NotArchived``."""
    row = ArchivedDocument.objects.filter(pk=document).first()
    if row is None:
        raise NotArchived
    return row


def again(document: uuid.UUID) -> None:
    """Have a document whose renewal failed tried again at once; raises ``NotArchived``."""
    if not ArchivedDocument.objects.filter(pk=document).update(tried_at=None):
        raise NotArchived


def state_of(row: ArchivedDocument, *, now: datetime | None = None) -> str:
    """Return how it stands: ``failed`` (the last try), ``due``, or ``kept``."""
    if row.problem:
        return "failed"
    return "due" if row.renew_at <= (now or timezone.now()) else "kept"


def renew_due(now: datetime | None = None) -> bool:
    """Renew the one archived document that is due longest; return whether more may wait."""
    now = now or timezone.now()
    row = due(now).order_by("renew_at", "pk").first()
    if row is None:
        return False
    problem = ""
    try:
        _renew(row, now)
    except KouanError as error:
        problem = str(error)[:300]
        log.warning("the archived document %s is not renewed: %s", row.pk, problem)
    ArchivedDocument.objects.filter(pk=row.pk).update(problem=problem, tried_at=now)
    return True


def _renew(row: ArchivedDocument, now: datetime) -> None:
    """Stamp a document anew; what another worker did meanwhile stays."""
    before = bytes(row.content)
    if hashlib.sha256(before).digest() != bytes(row.sha256):
        raise NotRenewable(detail=_("the kept file was changed"))
    asking = stamper()
    if asking is None:
        raise NotRenewable(detail=_("there is no time-stamping authority, `[time]` in node.toml"))
    roots = _roots()
    _checked_stamp(before, roots)
    answer = updates.asked(
        "renew",
        before,
        refusal=NotRenewable,
        trust=services.trust(),
        given={"room": 2 * MAX_STAMP},
    )
    content = updates.with_stamp(before, answer, asking, refusal=NotRenewable)
    due = _due_of(content, roots, now)
    with transaction.atomic():
        ArchivedDocument.objects.filter(pk=row.pk, sha256=row.sha256).update(
            content=content,
            sha256=hashlib.sha256(content).digest(),
            renewals=row.renewals + 1,
            renew_at=due,
            renewed_at=now,
        )


def _due_of(content: bytes, roots: list[x509.Certificate], now: datetime) -> datetime:
    """Return when the last time-stamp must be renewed; raises ``NotRenewable``."""
    if len(content) > MAX_PDF:
        raise NotRenewable(detail=_("it is longer than %(most)s bytes") % {"most": MAX_PDF})
    own, algorithm = _checked_stamp(content, roots)
    end: datetime = min(own.not_valid_after, ALGORITHMS_END.get(algorithm, now))
    # A stamp that has less than the margin left from its first day is not made again every hour.
    return end - MARGIN if end - MARGIN > now else min(now + SOONEST, end - _LAST_DAY)


def _checked_stamp(content: bytes, roots: list[x509.Certificate]) -> tuple[x509.Certificate, str]:
    """Return whose certificate made the last time-stamp, which holds, and the digest that it is over.

    Raises ``NotRenewable`` or ``ValidationBusy``.
    """
    told = _last_stamp(content)
    if len(told["token"]) > 2 * _MAX_TOKEN:
        raise NotRenewable(detail=_("its last time-stamp is longer than any that is taken here"))
    try:
        whole, imprint = bytes.fromhex(told["token"]), bytes.fromhex(told["digest"])
        token = cms.ContentInfo.load(whole)["content"]
        certificates = [each.chosen for each in token["certificates"]]
        digest = token["encap_content_info"]["content"].parsed["message_imprint"]
        algorithm, said = digest["hash_algorithm"]["algorithm"].native, digest["hashed_message"].native
        sid = token["signer_infos"][0]["sid"].chosen
        own = next(each for each in certificates if _is(each, sid))
    except Exception as error:  # noqa: BLE001 - whatever the library raises on a file that somebody brought
        raise NotRenewable(detail=type(error).__name__) from None
    if imprint != said:
        raise NotRenewable(detail=_("its last time-stamp is over another content"))
    try:
        stamp.verify(whole, digest=imprint, roots=[each.dump() for each in roots])
    except KouanError as error:
        raise NotRenewable(detail=str(error)) from None
    return own, algorithm


def _last_stamp(content: bytes) -> dict[str, Any]:
    return updates.asked("last-stamp", content, refusal=NotRenewable).said


def _is(certificate: x509.Certificate, sid: Any) -> bool:
    return bool(
        certificate.serial_number == sid["serial_number"].native and certificate.issuer == sid["issuer"]
    )


def _roots() -> list[x509.Certificate]:
    wanted: TimeSettings | None = settings.NODE.time
    if wanted is None:
        raise NotRenewable(detail=_("there is no time-stamping authority, `[time]` in node.toml"))
    try:
        return [x509.Certificate.load(der) for der in stamp.read_roots(wanted.ca.read_bytes())]
    except (OSError, ValueError) as error:
        raise NotRenewable(detail=f"time.ca: {type(error).__name__}") from None
