"""The section ``[services]``: how long ended cases and applications hold what they hold of persons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS: Final[dict[str, type | tuple[type, ...]]] = dict.fromkeys(
    ("keep_cases_days", "keep_applications_days"), int
)
_LEAST, _MOST = 90, 36_500


@dataclass(frozen=True, slots=True)
class ServicesSettings:
    """Days after the end, on the department's side and on the applicant's: seven years unless set."""

    keep_cases_days: int = 2557
    keep_applications_days: int = 2557

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> ServicesSettings:
        """Return the section's values; a ``ValueError`` says what is wrong."""
        for key, value in given.items():
            if not _LEAST <= value <= _MOST:
                raise ValueError(f"`services.{key}` is out of range ({_LEAST} to {_MOST}).")
        return cls(**given)
