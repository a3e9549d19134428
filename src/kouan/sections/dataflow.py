"""The table ``[dataflow]`` of ``node.toml``: how often institutions' systems may ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS: Final[dict[str, type | tuple[type, ...]]] = {"token_per_minute": int}
"""Its keys and their types."""
_MOST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class DataFlowSettings:
    """How many requests about consents and records each who asks may put in a minute."""

    token_per_minute: int = 6000
    """By one system with a token, of one portal process."""

    @classmethod
    def read(cls, given: Mapping[str, int]) -> DataFlowSettings:
        """Return the settings; a ``ValueError`` says which key is out of range."""
        for key, value in given.items():
            if not 1 <= value <= _MOST:
                raise ValueError(f"`dataflow.{key}` is out of range (1 to {_MOST}).")
        return cls(**given)
