"""What the journey of trust lists does inside a node."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction

from kouan.apps.signing.crossings import LIST, ListTold
from kouan.apps.signing.lists import drafts, publishing, queries
from kouan.apps.signing.lists.domain import Status
from kouan.apps.signing.models import ListTold as Told
from kouan.apps.signing.models import RefusedEdition
from kouan.core.exchange import outbox

POLICY = "2.16.344.8.2.2008.810.2.2012.1.0"


def known(side: str) -> tuple[int, str]:
    """Return number and digest of the newest edition that this node has of a side."""
    edition = queries.newest(side)
    return (0, "") if edition is None else (edition.sequence, edition.digest.hex())


def keys_of(side: str) -> int:
    """Return how many entries a side's list has."""
    edition = queries.newest(side)
    return 0 if edition is None else len(edition.entries)


def withdraw(code: str) -> tuple[int, str]:
    """Withdraw an entry of this side's list from now on, as two officers do; return the new edition."""
    drafts.begin(by="first")
    drafts.change_status(
        code=code, status=Status.WITHDRAWN, since=datetime.now(UTC), reason="Key lost", by="first"
    )
    draft = drafts.submit(by="first")
    publishing.publish(by="second", officer="Second officer", version=draft.version)
    return known(settings.NODE.side)


def seen(side: str) -> tuple[int, str]:
    """Return which edition of a side's list this side's newest edition names."""
    edition = queries.newest(settings.NODE.side)
    assert edition is not None
    return next((each.sequence, each.digest.hex()) for each in edition.others if each.side == side)


def judged(side: str, code: str) -> str:
    """Return whether this node recognises what is signed now under an entry of a side's list."""
    edition = queries.newest(side)
    entry = edition.entry(code) if edition is not None else None
    if entry is None:
        return "not here"
    found = queries.recognised(
        root=entry.root,
        issuing_ca=entry.issuing_ca,
        certificate_type=entry.certificate_type,
        policies=[POLICY],
        at=datetime.now(UTC),
    )
    return str(found.reason)


def taken(side: str) -> int:
    """Return up to which edition a side says that it has taken this side's list."""
    return Told.objects.get(side=side).taken


def send_again(side: str, sequence: int) -> None:
    """Send a side an edition of this side's list that it has already."""
    row = queries.row_of(settings.NODE.side, sequence)
    with transaction.atomic():
        outbox.send(LIST, to=side, payload=ListTold(jws=row.jws, sm2=bytes(row.sm2_signature)))


def refused(side: str) -> list[tuple[int, str]]:
    """Return the editions of a side that this node did not take."""
    return list(RefusedEdition.objects.filter(side=side).order_by("pk").values_list("sequence", "why"))
