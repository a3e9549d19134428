"""Which versions of contracts count on a day: what both have signed, until its end or a later one's begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from kouan.apps.dataflow.domain import State
from kouan.apps.dataflow.models import Contract
from kouan.core.database.rows import engine, select

if TYPE_CHECKING:
    import uuid
    from datetime import date


def first_version(contract: uuid.UUID, *, alone: bool) -> None:
    """Hold a contract's first version until the transaction ends: ``alone``, or together with others.

    Who sends under a contract holds it together with all who do, and who ends it holds it alone: so what is
    sent is there when what waits is withdrawn, or finds that the contract has ended.
    """
    if engine() == "postgresql":  # on SQLite a transaction that writes is alone anyway
        how = "UPDATE" if alone else "KEY SHARE"
        first = f"SELECT id FROM {Contract._meta.db_table} WHERE contract = %s ORDER BY version LIMIT 1"  # noqa: S608 - names from the models
        select(f"{first} FOR {how}", (contract,))


def counts(state: str, ended_on: date | None, day: date) -> bool:
    """Whether a version counts on a day; one that is replaced does until the later one begins.

    Whether the day lies in its term is for its dates to say.
    """
    return state == State.SIGNED or (ended_on is not None and day < ended_on)


def still_counts(digest: bytes, day: date) -> bool:
    """Whether the version with a digest counts on a day, as it stands now."""
    return Contract.objects.filter(counting(day), digest=digest).exists()


def counting(day: date, *, at: str = "") -> Q:
    """Return ``counts`` as a condition for rows; ``at`` is the way from them to their contract."""
    return Q(**{f"{at}state": State.SIGNED}) | Q(**{f"{at}ended_on__gt": day})
