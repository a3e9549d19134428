"""Reading trust: this side's own keys, and the members' by their imported documents."""

from __future__ import annotations

import hashlib
import time
from typing import Any, Final

from django.conf import settings

from kouan.core.database.rows import select
from kouan.core.trust import tokens
from kouan.core.trust.document import Revocation
from kouan.core.trust.errors import UnknownMember
from kouan.core.trust.keys import KeyUse, spki_of
from kouan.core.trust.member import MemberKeys
from kouan.core.trust.models import Member, MemberHistory, ReportedKey
from kouan.core.trust.own import OwnKeys, OwnKeysCache

FRESH_SECONDS: Final = 1.0
"""How long a member is used before its serial is looked up again, so the longest that an import by
another process goes unnoticed."""
_IN_USE: Final = (
    "SELECT side, fingerprint, serial, "  # noqa: S608 - the tables' own names
    f"(SELECT count(*) FROM {ReportedKey._meta.db_table} reported WHERE reported.side = member.side) "
    f"FROM {Member._meta.db_table} member"
)

_own = OwnKeysCache()
_members: dict[str, tuple[float, MemberKeys]] = {}
_sides: tuple[float, tuple[str, ...]] | None = None


def own() -> OwnKeys:
    """Return this side's keys; raises ``UnsafeKeyFile`` or ``KeyStoreDamaged``.

    Cached in the process; a change of the key folder is noticed at the next call.
    """
    node = settings.NODE
    return _own.get(
        node.keys,
        side=node.side,
        door_url=node.door_url,
        token=tokens.configured(node.token),
        twice=node.second_signature == "sm2",
    )


def get_member(side: str) -> MemberKeys:
    """Return another side's keys by its trust document in use; raises ``UnknownMember``.

    Cached in the process and looked up again after ``FRESH_SECONDS``.
    """
    now = time.monotonic()
    held = _members.get(side)
    if held is not None and now - held[0] < FRESH_SECONDS:
        return held[1]
    row = next(iter(_in_use(side)), None)
    if row is None:
        _members.pop(side, None)
        raise UnknownMember(side=side)
    return _refreshed(row, now)


def _in_use(side: str | None = None) -> list[tuple[Any, ...]]:
    """Return side, fingerprint, serial and number of reported keys of one member or of all, by side."""
    where, params = ("", ()) if side is None else (" WHERE side = %s", (side,))
    return select(f"{_IN_USE}{where} ORDER BY side", params)


def _refreshed(row: tuple[Any, ...], now: float) -> MemberKeys:
    side, fingerprint, serial, reported = row
    held = _members.get(side)
    member = None if held is None else held[1]
    if member is None or (fingerprint, serial, reported) != (
        member.fingerprint,
        member.serial,
        len(member.revoked),
    ):
        data = Member.objects.values_list("document", flat=True).get(side=side)
        member = MemberKeys.from_bytes(bytes(data), also_revoked=reports(side) if reported else ())
    _members[side] = (now, member)
    return member


def authorities(side: str) -> bytes:
    """Return the certificates of a side's CA as PEM, of ours too; raises ``UnknownMember``."""
    keys = own()
    return keys.public.tls_ca_pem if side == keys.side else get_member(side).tls_ca_pem


def reports(side: str) -> tuple[Revocation, ...]:
    """Return what a member has reported compromised, in whatever document."""
    return tuple(
        Revocation(KeyUse(row.use), bytes.fromhex(row.kid), row.since, row.at, row.reason)
        for row in ReportedKey.objects.filter(side=side).order_by("pk")
    )


def members() -> tuple[MemberKeys, ...]:
    """Return all members, by side."""
    global _sides  # noqa: PLW0603 - a cache of this process, like the one of members
    now = time.monotonic()
    if _sides is None or now - _sides[0] >= FRESH_SECONDS:
        rows = _in_use()
        for row in rows:
            _refreshed(row, now)
        _sides = (now, tuple(row[0] for row in rows))
    return tuple(get_member(side) for side in _sides[1])


def member_documents(side: str) -> tuple[bytes, ...]:
    """Return every trust document of a side that was ever imported, newest first."""
    rows = MemberHistory.objects.filter(side=side).order_by("-imported_at", "-id")
    return tuple(bytes(data) for data in rows.values_list("document", flat=True))


def fingerprints(side: str) -> tuple[str, ...]:
    """Return by which fingerprints this node has known a side, its own too: the present one first."""
    if side == settings.NODE.side:
        ours = own()
        anchors = [key for key in ours.keys if key.use is KeyUse.ANCHOR]
        former = [hashlib.sha256(spki_of(key.public)).hexdigest() for key in anchors]
        return tuple(dict.fromkeys([ours.fingerprint, *former]))
    present = Member.objects.filter(side=side).values_list("fingerprint", flat=True)
    rows = MemberHistory.objects.filter(side=side).order_by("-imported_at", "-id")
    return tuple(dict.fromkeys([*present, *rows.values_list("fingerprint", flat=True)]))


def forget_members() -> None:
    """Empty this process's cache of members."""
    global _sides  # noqa: PLW0603 - as above
    _members.clear()
    _sides = None
