"""What the provider keeps while it runs: requests, codes, tokens and its key. All ends with the process."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from joserfc import jwt
from joserfc.jwk import ECKey

LIFE: Final = {"request": 900.0, "code": 60.0, "token": 300.0}
"""Seconds for which each counts."""
_MOST: Final = 1000
"""How many of each are held at once."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of the node's, checked (OpenID Connect Core section 3.1.2.1)."""

    redirect_uri: str
    state: str
    nonce: str
    challenge: str
    acr_values: tuple[str, ...] = ()
    max_age: int | None = None
    prompt: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Visit:
    """A sign-in here, as the browser's session keeps it."""

    subject: str
    acr: str
    amr: tuple[str, ...]
    auth_time: int
    sid: str

    @classmethod
    def begun(cls, subject: str, acr: str, amr: tuple[str, ...]) -> Visit:
        """Return a sign-in that has just happened."""
        return cls(subject, acr, amr, int(time.time()), secrets.token_urlsafe(16))

    def stored(self) -> dict[str, Any]:
        """Return it for a session."""
        return {
            "subject": self.subject,
            "acr": self.acr,
            "amr": list(self.amr),
            "auth_time": self.auth_time,
            "sid": self.sid,
        }

    @classmethod
    def restored(cls, value: dict[str, Any]) -> Visit:
        """Return what ``stored`` gave."""
        return cls(**value | {"amr": tuple(value["amr"])})


T = TypeVar("T")


class Held(Generic[T]):
    """Things that are given out under a random name and taken back once, for a while."""

    def __init__(self, life: float) -> None:
        self._life = life
        self._turn = threading.Lock()
        self._rows: dict[str, tuple[float, T]] = {}

    def keep(self, value: T) -> str:
        """Return the name under which it is kept."""
        name, now = secrets.token_urlsafe(32), time.monotonic()
        with self._turn:
            self._rows = {key: row for key, row in self._rows.items() if row[0] > now}
            while len(self._rows) >= _MOST:
                del self._rows[next(iter(self._rows))]
            self._rows[name] = (now + self._life, value)
        return name

    def see(self, name: str) -> T | None:
        """Return it and go on keeping it."""
        with self._turn:
            ends_at, value = self._rows.get(name, (0.0, None))
        return value if ends_at > time.monotonic() else None

    def take(self, name: str) -> T | None:
        """Return it, the first time."""
        with self._turn:
            ends_at, value = self._rows.pop(name, (0.0, None))
        return value if ends_at > time.monotonic() else None


@dataclass(slots=True)
class Desk:
    """The provider's memory."""

    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"), repr=False)
    requests: Held[Asked] = field(default_factory=lambda: Held(LIFE["request"]))
    codes: Held[tuple[Asked, Visit]] = field(default_factory=lambda: Held(LIFE["code"]))
    tokens: Held[Visit] = field(default_factory=lambda: Held(LIFE["token"]))

    def jwks(self) -> dict[str, Any]:
        """Return the key set (RFC 7517 section 5)."""
        self.key.ensure_kid()
        return {"keys": [{**self.key.as_dict(private=False), "use": "sig", "alg": "ES256"}]}

    def sign(self, claims: dict[str, Any], *, kind: str = "JWT") -> str:
        """Return a signed token."""
        self.key.ensure_kid()
        return jwt.encode({"alg": "ES256", "kid": self.key.kid, "typ": kind}, claims, self.key)


def half_digest(text: str) -> str:
    """Return what ``at_hash`` is for ES256 (OpenID Connect Core section 3.1.3.6)."""
    return base64url(hashlib.sha256(text.encode()).digest()[:16])


def challenge_of(verifier: str) -> str:
    """Return PKCE's challenge, S256 (RFC 7636 section 4.2)."""
    return base64url(hashlib.sha256(verifier.encode()).digest())


def base64url(data: bytes) -> str:
    """Return Base64 for addresses, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


desk: Final = Desk()
