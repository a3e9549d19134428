"""The rules of posts, codes and sessions, without a database."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

FRESH: Final = timedelta(minutes=10)
"""How long after a sign-in sensitive actions need no new one."""
STEP: Final = 30
"""Seconds for which a code of an authenticator app holds (RFC 6238)."""
RECOVERY_CODES: Final = 10
MOST_PASSKEYS: Final = 10
_LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"
_CODE: Final = re.compile(r"[a-z][a-z0-9-]{1,39}")
_RECOVERY: Final = re.compile(rf"[{_LETTERS}]{{16}}")
_LONGEST_CLAIM: Final = 200


def is_department_code(code: str) -> bool:
    """Say whether a department may have this code."""
    return _CODE.fullmatch(code) is not None


def claimed_posts(
    departments: object, roles: object, *, known: Iterable[str], allowed: Iterable[str]
) -> frozenset[tuple[str, str]]:
    """Return the posts, as department and role, that a provider's claims give.

    ``departments`` is a code or a list of codes; ``roles`` a role or a list of them, each for all those
    departments, or ``department/role`` for one of them. What this node does not know counts for nothing.

    >>> sorted(claimed_posts("works", ["issuer", "law/operator"], known=["works"], allowed=["issuer"]))
    [('works', 'issuer')]
    """
    codes = [code for code in _texts(departments) if code in set(known)]
    posts: set[tuple[str, str]] = set()
    for claim in _texts(roles):
        department, slash, role = claim.rpartition("/")
        if role in set(allowed):
            posts |= {(code, role) for code in codes if not slash or code == department}
    return frozenset(posts)


def _texts(claim: object) -> list[str]:
    found = [claim] if isinstance(claim, str) else claim if isinstance(claim, list) else []
    return [each for each in found[:_LONGEST_CLAIM] if isinstance(each, str)]


def user_name(claim: object, fallback: str) -> str:
    """Return the name for a new account: the claim if it can be a name, else ``fallback``."""
    if isinstance(claim, str) and re.fullmatch(r"[\w.@+-]{1,100}", claim):
        return claim
    return fallback


def new_recovery_code() -> str:
    """Return a code of 79 bits in four groups that a person can type."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def recovery_code(typed: str) -> str:
    """Return what was typed as a recovery code without its dashes, or nothing if it cannot be one."""
    code = re.sub(r"[\s-]", "", typed).lower()
    return code if _RECOVERY.fullmatch(code) else ""


def why_over(now: datetime, *, began: datetime, seen: datetime, idle: timedelta, absolute: timedelta) -> str:
    """Return why a session is over: ``idle``, ``absolute``, or nothing while it goes on."""
    if now - began >= absolute:
        return "absolute"
    return "idle" if now - seen >= idle else ""
