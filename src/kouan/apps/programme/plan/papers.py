"""A joint text on paper: as both sides' nodes make it, byte for byte, and with the officers' signatures."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kouan.apps.programme.models import VersionPaper
from kouan.apps.programme.plan.domain import MAX_PAPER, Plan, read_text
from kouan.apps.programme.plan.printing import rendered
from kouan.web import seals
from kouan.web.seals import UnsoundPaper

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kouan.apps.programme.models import Version
    from kouan.apps.programme.plan.domain import Agreed
    from kouan.web.seals import Box, Seal


log = logging.getLogger(__name__)


def signed(text: Agreed, *, officer: str, theirs: bytes = b"") -> bytes:
    """Return the paper with this side's signature, on top of the other side's where that is sound.

    It asks the time-stamping authority, if there is one; so it is called before a transaction and not in one.
    """
    what = "Joint work plan" if isinstance(text, Plan) else "Minutes"
    return seals.signed(
        base(text),
        boxes=boxes(text),
        officer=officer,
        reason=f"{what} {text.subject} version {text.version}, SHA-256 {text.digest().hex()}",
        name=f"{what} {text.subject}",
        theirs=theirs,
    )


def check(paper: bytes, text: Agreed, sides: Iterable[str]) -> list[Seal]:
    """Return the signatures in a paper, one for each of ``sides``; raises ``UnsoundPaper``."""
    return seals.check(paper, base=base(text), sides=sides, most=MAX_PAPER)


def seals_in(row: Version) -> list[Seal]:
    """Return the officers' signatures that hold in a version's paper."""
    kept = VersionPaper.objects.filter(version=row).first()
    if kept is None:
        return []
    text = read_text(bytes(row.text))
    return seals.seals_of(bytes(kept.data), base=base(text), sides=frozenset(text.sides), most=MAX_PAPER)


def paper(row: Version) -> bytes:
    """Return a version as PDF: as its officers signed it, or without signatures."""
    kept = VersionPaper.objects.filter(version=row).first()
    return base(read_text(bytes(row.text))) if kept is None else bytes(kept.data)


def base(text: Agreed) -> bytes:
    """Return the paper as nobody has signed it: the same bytes on every node."""
    return seals.with_boxes(rendered(text), boxes=boxes(text), digest=text.digest())


def boxes(text: Agreed) -> dict[str, Box]:
    """Return where each side's officer signs: in the order of the sides."""
    return seals.boxes_for(*text.sides)


def take(row: Version, text: Agreed, data: bytes, signers: set[str]) -> None:
    """Keep the other side's paper if it is sound; what binds is its statement, and nothing hangs on this."""
    if not data:
        return
    try:
        check(data, text, signers)
    except UnsoundPaper as error:
        log.warning("version %s: the other side's PDF is not kept: %s", row.pk, error)
    else:
        keep(row, data)


def keep(row: Version, data: bytes) -> None:
    """Keep a version's paper in the place of the one before; nothing where there is none."""
    if data:
        VersionPaper.objects.update_or_create(version=row, defaults={"data": data})


def within(data: bytes) -> bytes:
    """Return a paper that may cross; a plan of very many pages goes without one."""
    return data if len(data) <= MAX_PAPER else b""
