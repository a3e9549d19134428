"""What the rest of signing, and people, ask of the trust lists."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils import timezone

from kouan.apps.signing.lists import changes, document, domain, jades
from kouan.apps.signing.lists.errors import UnknownEntry, UnknownList
from kouan.apps.signing.models import ListDraft, ListEdition, ListTold, RefusedEdition

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from kouan.apps.signing.lists.changes import Answer
    from kouan.apps.signing.lists.domain import Anchor, CertificateType, Edition, Entry, Recognition

LATEST: Final = 50
_NAMED: Final = ("side", "sequence", "digest")


def trust_anchors(at: datetime) -> tuple[Anchor, ...]:
    """Return the roots at which a path may end that is judged at a moment."""
    return domain.anchors(current(), at)


def recognised(  # noqa: PLR0913 - each condition of the scheme is one
    *,
    root: bytes,
    issuing_ca: bytes,
    certificate_type: CertificateType | None,
    policies: Collection[str],
    at: datetime,
    issued_at: datetime | None = None,
) -> Recognition:
    """Return whether the lists of either side recognise a certificate at a moment (``domain.recognise``)."""
    return domain.recognise(
        current(),
        root=root,
        issuing_ca=issuing_ca,
        types=None if certificate_type is None else domain.Types(frozenset({certificate_type})),
        policies=policies,
        at=at,
        issued_at=issued_at,
        now=timezone.now(),
    )


def current() -> tuple[Edition, ...]:
    """Return the newest edition of each side's list, this side's first."""
    newest: dict[str, bytes] = {}
    for side, _sequence, digest in ListEdition.objects.order_by("side", "sequence").values_list(*_NAMED):
        newest[side] = bytes(digest)
    ours = settings.NODE.side
    return tuple(
        _with_past(side, newest[side]) for side in sorted(newest, key=lambda side: (side != ours, side))
    )


@lru_cache(maxsize=16)
def _with_past(side: str, digest: bytes) -> Edition:
    """Return a side's newest edition, by its digest, with what its entries' policies were before."""
    editions = history(side)
    upto = next(place for place, each in enumerate(editions) if each.digest == digest)
    return changes.with_past(editions[: upto + 1])


def newest(side: str) -> Edition | None:
    """Return the newest edition of a side's list; ``None`` if there is none here."""
    row = ListEdition.objects.filter(side=side).order_by("-sequence").values_list("digest", flat=True).first()
    return None if row is None else parsed(bytes(row))


def history(side: str) -> tuple[Edition, ...]:
    """Return every edition of a side's list, the oldest first."""
    rows = ListEdition.objects.filter(side=side).order_by("sequence").values_list("digest", flat=True)
    return tuple(parsed(bytes(each)) for each in rows)


def digests(side: str) -> dict[int, bytes]:
    """Return the digest of each edition of a side's list, by its number."""
    rows = ListEdition.objects.filter(side=side).values_list("sequence", "digest")
    return {sequence: bytes(digest) for sequence, digest in rows}


def row_of(side: str, sequence: int | None = None) -> ListEdition:
    """Return an edition as it is kept, the newest without a number; raises ``UnknownList``."""
    rows = ListEdition.objects.filter(side=side[:16]).order_by("-sequence")
    found = rows.first() if sequence is None else rows.filter(sequence=sequence).first()
    if found is None:
        raise UnknownList
    return found


def entry_of(side: str, code: str) -> tuple[Edition, Entry]:
    """Return an entry of a side's newest edition; raises ``UnknownList`` or ``UnknownEntry``."""
    edition = parsed(bytes(row_of(side).digest))
    found = edition.entry(code)
    if found is None:
        raise UnknownEntry(entry=code[:40])
    return edition, found


def on_day(side: str, code: str, at: datetime) -> Answer:
    """Return how an entry stood at a moment; raises ``UnknownEntry``."""
    found = changes.on_day(history(side), code, at)
    if found is None:
        raise UnknownEntry(entry=code[:40])
    return found


def told_at(side: str, code: str) -> tuple[datetime, ...]:
    """Return when each change in an entry's history was published."""
    return changes.told_at(history(side), code)


def second_signatures(side: str) -> dict[int, bool]:
    """Return the numbers of a side's editions with a second signature, and whether it was left unchecked."""
    rows = ListEdition.objects.filter(side=side).exclude(sm2_signature=b"")
    return dict(rows.values_list("sequence", "sm2_unchecked"))


def before(side: str, sequence: int) -> Edition | None:
    """Return the edition of a side's list before one of this number, if it is here."""
    rows = ListEdition.objects.filter(side=side, sequence=sequence - 1).values_list("digest", flat=True)
    row = rows.first()
    return None if row is None else parsed(bytes(row))


def draft() -> ListDraft | None:
    """Return the draft of this side's next edition, if there is one."""
    live = (ListDraft.State.OPEN, ListDraft.State.SUBMITTED)
    return ListDraft.objects.filter(state__in=live).order_by("pk").last()


def told() -> list[ListTold]:
    """Return how far each other side was told."""
    return list(ListTold.objects.order_by("side"))


def refused() -> list[RefusedEdition]:
    """Return the editions of other sides that were not taken, the latest first."""
    return list(RefusedEdition.objects.order_by("-at", "-pk")[:LATEST])


@lru_cache(maxsize=256)
def parsed(digest: bytes) -> Edition:
    """Return the edition of a digest. What is kept was verified when it came, and never changes."""
    row = ListEdition.objects.get(digest=digest)
    return read(row.jws)


def read(jws: str) -> Edition:
    """Return the edition in a signed list, whose signature is not looked at; raises ``ValueError``."""
    edition = document.read(jades.payload(jws))
    return domain.with_digest(edition, jades.digest(jws))


def stands(entry: Entry, at: datetime) -> str:
    """Return how an entry stands at a moment: a ``Status``, ``not-yet`` or ``ended``."""
    return changes.stands(entry, at)
