"""Keys of this side's offices, for papers that other apps issue: the app that keeps them answers here.

Which office signs for which department is the operator's matter (``signer.departments`` in ``node.toml``). A
department without one has its papers signed with a key that signs once (``onetime``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a signature in a PDF is for, and what it says."""

    field: str
    """The form field in which it stands."""
    name: str
    """Who signs, as the file says it."""
    place: str
    reason: str
    file_name: str
    by: str
    """Whose deed it is: the account, for the record."""


class Offices(Protocol):
    """The app that keeps the offices' keys."""

    def signed(self, paper: bytes, wanted: Wanted, *, department: str) -> bytes | None:
        """Return a PDF with one signature more; ``None`` where no office signs for the department.

        Raises a ``KouanError`` where its key cannot be used now. To be called outside a transaction: a token
        or a service is waited for, and what was used stays on record.
        """


_kept: list[Offices] = []


def kept_by(offices: Offices) -> None:
    """Name the app that keeps the offices' keys (it does so once it is ready)."""
    _kept[:] = [offices]


def signed(paper: bytes, wanted: Wanted, *, department: str) -> bytes | None:
    """Return what ``Offices.signed`` does; ``None`` on a node where no app keeps such keys."""
    return _kept[0].signed(paper, wanted, department=department) if _kept else None
