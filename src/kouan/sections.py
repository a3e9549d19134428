"""Sections of ``node.toml`` as frozen values; ``kouan.config`` reads and checks them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """How the channel behaves; times in milliseconds or seconds as named."""

    linger_ms: int = 5
    """How long a batch waits for company before it is sealed."""
    batch_max: int = 200
    """The most messages under one signature."""
    outbox_max: int = 100_000
    """The most messages that may wait for one peer; beyond it producers are refused."""
    clock_tolerance_s: int = 300
    """How far a peer's clock may be from ours."""
    retry_first_s: float = 0.5
    retry_longest_s: float = 60.0
    """Exponential back-off with jitter between these two."""
    inbox_credit: int = 64 << 20
    """Bytes of a peer's messages that may wait for their handlers here; beyond twice that it is refused."""


@dataclass(frozen=True, slots=True)
class AttachedSettings:
    """How departments' own systems are served."""

    rate_per_second: int = 50
    """How many requests a second one system may make of one portal process, on average."""
    webhook_ca: Path | None = None
    """Certification authorities (PEM) of the systems' webhooks; the machine's own if ``None``."""
    nats: str = ""
    """Where NATS listens, nats:// or tls://; not used if empty."""
    nats_user: str = ""
    nats_prefix: str = "kouan"
    """What subjects begin with; several nodes on one server keep theirs apart by the side that follows."""
    nats_password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class BlobSettings:
    """How much room files that travel apart from messages may take, and for how long."""

    quota_bytes: int = 20 << 30
    """The most sealed bytes kept for each peer, in each direction."""
    min_free_bytes: int = 1 << 30
    """Free disk that files never take."""
    retention_s: int = 7 * 86_400
    """How long a received file is kept after its message was handled, a refused one of ours for a retry."""
    fetch_within_s: int = 7 * 86_400
    """How long a peer's file may take to arrive before its message is refused."""


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """What one member may take of the door: of each of its processes, a second or at one time."""

    requests_per_s: int = 2000
    bytes_per_s: int = 64 << 20
    messages_per_s: int = 20_000
    refusals_per_s: int = 20
    """Messages and requests refused; a hundred seconds' worth may come at once."""
    requests_at_once: int = 16
    connections: int = 32


DOOR_KEYS: Final = tuple(each.name for each in fields(DoorSettings))


@dataclass(frozen=True, slots=True)
class ProcessSettings:
    """How many of each process ``kouan node`` keeps running on this machine."""

    portal: int = 1
    door: int = 1
    worker: int = 1


TOKEN_USES: Final = ("anchor", "sign", "log", "witness")
"""The uses whose keys can be in a token: those that only sign, and not in a TLS handshake."""


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """A PKCS#11 token in which keys are made and kept; its PIN is in the environment, never in a file."""

    module: Path
    label: str
    pin_env: str
    uses: tuple[str, ...]

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> TokenSettings:
        """Return the settings; a ``ValueError`` says which key is missing or wrong."""
        for key in ("label", "module", "pin_env", "uses"):
            if key not in given:
                raise ValueError(f"the key `token.{key}` is missing.")
        module, pin_env, uses = Path(given["module"]), given["pin_env"], given["uses"]
        if unknown := [use for use in uses if use not in TOKEN_USES]:
            raise ValueError(f"`token.uses`: {unknown[0]!r} is none of {', '.join(TOKEN_USES)}.")
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", pin_env):
            raise ValueError("`token.pin_env` must name an environment variable, not hold the PIN.")
        if not module.is_absolute():
            raise ValueError("`token.module` must be the whole path of the token's library.")
        return cls(module, given["label"], pin_env, tuple(dict.fromkeys(uses)))


@dataclass(frozen=True, slots=True)
class StaffSettings:
    """How officers sign in: with local accounts, and through a provider of their side if it has one."""

    require_second_factor: bool
    """Whether a local account can do nothing without a second factor."""
    idle_minutes: int = 30
    """How long a session lasts unused."""
    absolute_hours: int = 12
    """How long a session lasts at most."""
    issuer: str = ""
    """The staff provider (OpenID Connect); empty: local accounts only."""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    key: Path | None = None
    """A private key (PEM) in place of the secret."""
    scopes: tuple[str, ...] = ("openid", "profile")
    acr: tuple[str, ...] = ()
    """Levels of which the provider must reach one, best first; empty: any."""
    department_claim: str = "department"
    roles_claim: str = "roles"
    name_claim: str = "preferred_username"
    ca: Path | None = None
    """Certification authorities (PEM) of the provider; the machine's own if ``None``."""

    @classmethod
    def read(cls, given: Mapping[str, Any], *, home: Path, demonstration: bool, secret: str) -> StaffSettings:
        """Return the settings; a ``ValueError`` says which key is missing or wrong."""
        values = {"require_second_factor": not demonstration, **given}
        for key, most in (("idle_minutes", 24 * 60), ("absolute_hours", 7 * 24)):
            if not 1 <= values.get(key, 1) <= most:
                raise ValueError(f"`staff.{key}` is out of range (1 to {most}).")
        for key in ("scopes", "acr"):
            if key in values:
                if not all(isinstance(each, str) and each and " " not in each for each in values[key]):
                    raise ValueError(f"`staff.{key}` must be a list of words.")
                values[key] = tuple(values[key])
        for key in ("key", "ca"):
            if key in values:
                values[key] = home / values[key]
                if not values[key].is_file():
                    raise ValueError(f"`staff.{key}` names no file ({values[key]}).")
        settings = cls(**values, client_secret=secret)
        if settings.issuer:
            settings._check_provider(demonstration=demonstration)
        return settings

    def _check_provider(self, *, demonstration: bool) -> None:
        local = demonstration and re.match(r"http://(127\.0\.0\.1|localhost)(:|/|$)", self.issuer)
        if not (self.issuer.startswith("https://") or local) or set(self.issuer) & set("@?# "):
            raise ValueError("`staff.issuer` must be an address, https://, without a user name or a query.")
        if not re.fullmatch(r"[!-~]{1,200}", self.client_id):
            raise ValueError("the key `staff.client_id` is missing.")
        if bool(self.client_secret) == bool(self.key):
            raise ValueError("give either `staff.key` or the secret in KOUAN_STAFF_CLIENT_SECRET.")
        if "openid" not in self.scopes:
            raise ValueError("`staff.scopes` must hold openid.")


@dataclass(frozen=True, slots=True)
class TimeSettings:
    """Who stamps this node's checkpoints with the time (RFC 3161), and how often."""

    tsa: str
    """The address of the time-stamping authority, ``http`` or ``https``: its answers are signed."""
    ca: Path
    """The certificates that it must lead to, as one PEM file."""
    policy: str = ""
    """The object identifier of the policy to ask for; without one, the authority's own."""
    every_s: int = 60
    every_leaves: int = 100_000
    """A stamp is asked for after so many seconds in which the ledger grew, or so many entries."""


@dataclass(frozen=True, slots=True)
class WitnessSettings:
    """A witness beside the peers (C2SP tlog-witness)."""

    name: str
    url: str
    key: str
    """Its verifier key (C2SP signed-note), as it publishes it."""
