"""What is kept, on this side alone, between sending a person to a provider and their return."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from kouan.web.oidc.errors import SignInExpired

LIFE: Final = 600
"""Seconds in which the person must be back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to sign in. It is good for one answer: the caller deletes it before ``finish``."""

    issuer: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    """The PKCE code verifier (RFC 7636)."""
    acr_values: tuple[str, ...]
    """The levels that were asked for; the answer must be at one of them."""
    prompt: str
    max_age: int | None
    """Seconds since when the person must have proved who they are at most, or ``None``."""
    started_at: int
    """Seconds since 1970."""

    def stored(self) -> dict[str, Any]:
        """Return a value for a session, made of JSON's types."""
        return asdict(self) | {"acr_values": list(self.acr_values)}

    @classmethod
    def restored(cls, value: object) -> Attempt:
        """Return the attempt that ``stored`` gave; raises ``SignInExpired`` for anything else."""
        if not isinstance(value, Mapping) or {each.name for each in fields(cls)} != value.keys():
            raise SignInExpired
        return cls(**{**value, "acr_values": tuple(value["acr_values"])})

    @property
    def is_over(self) -> bool:
        """Say whether too much time has passed."""
        return not 0 <= time.time() - self.started_at <= LIFE
