"""How keys get successors, end, are reported compromised, and lose their private halves.

Each step makes what it needs first and then writes ``keys.json`` once: a process killed before that
leaves the keys as they were, and an unlisted file that counts for nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from kouan.core.trust import keylist
from kouan.core.trust.document import MAX_REASON, Revocation
from kouan.core.trust.errors import AlreadyReported, NoSuchOwnKey, NoUsableKey, UnsoundReport
from kouan.core.trust.keylist import KeyList, StoredKey, whole
from kouan.core.trust.keys import SECOND_USES, KeyUse
from kouan.core.trust.store import OVERLAP, KeyStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KEPT: Final = timedelta(days=90)
"""How long after its end a private half is kept: far beyond the life of anything still on its way."""
REMINDER: Final = timedelta(days=30)
"""How long before a key's end its operator is reminded."""
MARGIN: Final = timedelta(minutes=10)
"""From a second signature's beginning until nothing counts without it."""
_MOMENT: Final = timedelta(seconds=1)
_PUBLIC_STAYS: Final = (KeyUse.SIGN, KeyUse.LOG, KeyUse.WITNESS, *SECOND_USES)
"""Uses whose public halves stay listed for good: what they signed is verified years later."""


def rotate(  # noqa: PLR0913 - all by name
    store: KeyStore,
    use: KeyUse,
    *,
    hosts: Sequence[str] = (),
    overlap: timedelta = OVERLAP,
    soon: bool = False,
    now: datetime | None = None,
) -> KeyStore:
    """Give a use a new key and end the old ones after ``overlap``; return the store as it is then.

    ``soon`` has the old ones end as soon as every peer has acknowledged the new one (``finish``).
    ``hosts`` are for a new TLS key. A new TLS CA brings a TLS key of its own, which serves from the end
    of the overlap on: until then peers may not know who vouches for it. Raises ``NoUsableKey`` for a second
    signature's key where there is none.
    """
    now = now or datetime.now(UTC)
    if use in SECOND_USES and store.second(use, now) is None:
        # A second signature begins by the settings, and with a margin (``begin_second``).
        raise NoUsableKey(side=store.side, use=use.value)

    def change(held: KeyStore) -> KeyList:
        content = _with_successor(held, use, hosts, overlap, now)
        if soon and use is not KeyUse.TLS:
            content = replace(content, ending=tuple(dict.fromkeys((*content.ending, use))))
        elif soon:
            content = _ended(content, use, now)
        return content

    return _changed(store, change)


def finish(store: KeyStore, *, now: datetime | None = None) -> KeyStore:
    """End the old keys of every use that waits for it, now that all peers know the new ones."""
    now = now or datetime.now(UTC)

    def change(held: KeyStore) -> KeyList:
        content = held.content_list
        for use in content.ending:
            content = _ended(content, use, now)
        return replace(content, ending=())

    return _changed(store, change)


def compromise(  # noqa: PLR0913 - all by name
    store: KeyStore,
    use: KeyUse,
    kid: str,
    *,
    since: datetime,
    reason: str,
    hosts: Sequence[str] = (),
    now: datetime | None = None,
) -> KeyStore:
    """Report a key compromised since a time: it is out of use at once, and has a successor at once.

    ``kid`` is the key's id or the beginning of it. A TLS key is withdrawn with its CA, since the CA's
    word for it cannot be taken back otherwise; both serve until the peers know their successors. Raises
    ``NoSuchOwnKey``, ``AlreadyReported`` or ``UnsoundReport``.
    """
    now = now or datetime.now(UTC)
    if since > now:
        raise UnsoundReport(longest=MAX_REASON, detail="the time is in the future")
    if not (0 < len(reason) <= MAX_REASON and reason.isprintable()):
        raise UnsoundReport(longest=MAX_REASON, detail="the reason")

    def change(held: KeyStore) -> KeyList:
        key = own_key(held, use, kid)
        if key.kid in held.revoked_kids:
            raise AlreadyReported(kid=key.kid.hex())
        report = Revocation(use, key.kid, whole(since), whole(now), reason)
        carried = KeyUse.TLS_CA if use in {KeyUse.TLS, KeyUse.TLS_CA} else use
        content = held.content_list
        if carried is KeyUse.TLS_CA:
            content = _with_successor(held, carried, hosts, OVERLAP, now)
            content = replace(content, ending=tuple(dict.fromkeys((*content.ending, carried))))
        elif _is_last(held, key, now):
            content = _with_successor(held, use, hosts, OVERLAP, now)
        return replace(content, revoked=(*content.revoked, report))

    return _changed(store, change)


def begin_second(store: KeyStore, *, now: datetime | None = None) -> KeyStore:
    """See that there are keys for the second signature; return the store as it is then.

    They sign as soon as they exist, and are asked for by others from ``MARGIN`` later on: by then nothing
    that was signed once is still new.
    """
    now = now or datetime.now(UTC)

    def missing(held: KeyStore) -> list[KeyUse]:
        return [use for use in SECOND_USES if held.second(use, now) is None]

    def change(held: KeyStore) -> KeyList:
        made = [held.make(use, now, since=now + MARGIN) for use in missing(held)]
        return replace(held.content_list, keys=(*held.keys, *made))

    return _changed(store, change) if missing(store) else store


def end_second(store: KeyStore, *, now: datetime | None = None) -> KeyStore:
    """End the keys for the second signature: from now on this side signs once."""
    now = now or datetime.now(UTC)

    def change(held: KeyStore) -> KeyList:
        keys = tuple(_until(key, now) if key.use in SECOND_USES else key for key in held.keys)
        return replace(held.content_list, keys=keys)

    return _changed(store, change)


def prune(store: KeyStore, *, now: datetime | None = None) -> list[StoredKey]:
    """Delete the private halves of keys that ended ``KEPT`` ago; return those keys.

    The public halves of what signs stay in the trust document, so that evidence is verified for ever.
    Whoever calls this has seen that every peer acknowledged the present document.
    """
    now = now or datetime.now(UTC)
    gone: list[StoredKey] = []

    def change(held: KeyStore) -> KeyList:
        kept: list[StoredKey] = []
        for key in held.keys:
            # A side may have stopped signing twice; of every other use there is always a key.
            newest = key.usable and key == held.of_use(key.use)[-1] and key.use not in SECOND_USES
            if not key.usable or newest or key.until + KEPT > now:
                kept.append(key)
                continue
            gone.append(key)
            if key.use in _PUBLIC_STAYS:
                kept.append(replace(key, file="", opener=None, in_token=False))
        return replace(held.content_list, keys=tuple(kept))

    _changed(store, change)
    # The list first: a file that nobody lists harms no start, a listed one that is missing would.
    for key in gone:
        if key.in_token and store.token is not None:
            store.token.destroy(key.kid)
        elif key.file:
            store.certificate_path(key).unlink(missing_ok=True)
            store.path_of(key).unlink(missing_ok=True)
    return gone


def own_key(store: KeyStore, use: KeyUse, kid: str) -> StoredKey:
    """Return the one key of a use whose id begins with ``kid``; raises ``NoSuchOwnKey``."""
    wanted = kid.strip().lower()
    found = [key for key in store.keys if key.use is use and key.kid.hex().startswith(wanted)]
    if len(found) != 1 or not wanted:
        raise NoSuchOwnKey(use=use.value, kid=wanted[:40])
    return found[0]


def _changed(store: KeyStore, change: Callable[[KeyStore], KeyList]) -> KeyStore:
    with store.lock():
        held = type(store).open(store.directory, token=store.token)
        content = change(held)
        if content != held.content_list:
            keylist.write(store.directory, content)
    return type(store).open(store.directory, token=store.token)


def _with_successor(
    held: KeyStore, use: KeyUse, hosts: Sequence[str], overlap: timedelta, now: datetime
) -> KeyList:
    content = held.content_list
    end = whole(now + overlap)
    if use is KeyUse.TLS:
        new = [held.make_tls(held.of_use(KeyUse.TLS_CA)[-1], hosts, now)]
    elif use is KeyUse.TLS_CA:
        authority = held.make_ca(now)
        new = [authority, held.make_tls(authority, hosts, now, since=end)]
    else:
        new = [held.make(use, now)]
    ending = {KeyUse.TLS_CA: (KeyUse.TLS_CA, KeyUse.TLS)}.get(use, (use,))
    kept = [_until(key, end) if key.use in ending else key for key in content.keys]
    return replace(content, keys=(*kept, *new))


def _ended(content: KeyList, use: KeyUse, now: datetime) -> KeyList:
    """Return the list with all but the newest key of a use ended, and that one begun."""
    uses = {KeyUse.TLS_CA: (KeyUse.TLS_CA, KeyUse.TLS)}.get(use, (use,))
    keys = list(content.keys)
    for each in uses:
        newest = [key for key in keys if key.use is each][-1]
        for place, key in enumerate(keys):
            if key.use is each:
                keys[place] = (
                    replace(key, since=min(key.since, whole(now))) if key is newest else _until(key, now)
                )
    return replace(content, keys=tuple(keys))


def _until(key: StoredKey, end: datetime) -> StoredKey:
    return replace(key, until=max(min(key.until, whole(end)), key.since + _MOMENT))


def _is_last(held: KeyStore, key: StoredKey, now: datetime) -> bool:
    out = {*held.revoked_kids, key.kid}
    return not any(
        other.use is key.use and other.usable and other.valid_at(now) and other.kid not in out
        for other in held.keys
    )
