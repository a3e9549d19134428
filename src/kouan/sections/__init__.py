"""Sections of ``node.toml`` as frozen values; ``kouan.config`` reads and checks them."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


WATCH_KEYS: Final[dict[str, type | tuple[type, ...]]] = {
    "listen": str,
    "logs": str,
    "traces": str,
    "notify": list,
    **dict.fromkeys(("outbox_waiting", "dead_letters", "key_days", "disk_free_mb"), int),
    **dict.fromkeys(("filing_days", "contract_days"), int),
    **dict.fromkeys(("traces_share", "every_s", "unwitnessed_s", "unrecorded_s"), (int, float)),
    **dict.fromkeys(("waiting_s", "unhandled_s", "silence_s"), (int, float)),
}
"""The keys of ``[watch]`` and their types."""


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """How the node is watched: what it tells of itself, and from when on something is an alarm.

    What ends in ``_s`` is in seconds, in ``_days`` in days, in ``_mb`` in MB of a million bytes.
    """

    listen: Address | None = None
    """Where the portal's metrics are; the door has the next port, the worker the one after. None: nowhere."""
    logs: str = "text"
    """``text`` for a person at a terminal, ``json`` for a program."""
    traces: str = ""
    """The folder that the traces of messages are written to. Empty: none."""
    traces_share: float = 0.01
    """Of how many messages, from 0 to 1; both sides choose the same ones."""
    notify: tuple[str, ...] = ()
    """The program, with its arguments, that is told of each alarm as JSON on its standard input."""
    every_s: float = 5.0
    """How often the node looks at itself."""
    unwitnessed_s: float = 120.0
    unrecorded_s: float = 300.0
    outbox_waiting: int = 10_000
    waiting_s: float = 300.0
    unhandled_s: float = 300.0
    silence_s: float = 300.0
    dead_letters: int = 0
    key_days: int = 30
    filing_days: int = 3
    contract_days: int = 31
    disk_free_mb: int = 2_000


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
    keep_bodies_days: int = 30
    """How long what messages about persons said is kept after their end: ``exchange.crossing.Keep``."""


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


QUESTION_LIMITS: Final = ("anonymous_per_minute", "institution_per_minute", "token_per_minute")


@dataclass(frozen=True, slots=True)
class ValidationSettings:
    """How many questions about documents each who asks may put in a minute."""

    anonymous_per_minute: int = 30
    """From one address, by whoever shows nothing."""
    institution_per_minute: int = 120
    """By the signed-in officers of one institution together."""
    token_per_minute: int = 6000
    """By one system with a token, of one portal process."""

    @classmethod
    def read(cls, given: Mapping[str, int]) -> ValidationSettings:
        """Return the settings; a ``ValueError`` says which key is out of range."""
        for key, value in given.items():
            if not 1 <= value <= 1_000_000:  # noqa: PLR2004 - more than any portal answers
                raise ValueError(f"`validation.{key}` is out of range (1 to 1000000).")
        return cls(**given)


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """How this side's identities are shared with the other sides."""

    cooling_off_s: int = 72 * 3600
    """Seconds after an issuer's yes before a link between two accounts counts."""
    ca: Path | None = None
    """Certification authorities (PEM) of services that are told of a sign-out, and of the issuer of this
    side's documents; the machine's own if ``None``."""


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """Who can say whether a document of this side and one of another's are one person's."""

    url: str
    """Where it is asked, ``https``; plain ``http`` in a demonstration alone."""
    token: str = field(repr=False)
    """From the environment."""
    ca: Path | None = None

    @classmethod
    def read(
        cls, given: Mapping[str, Any], environment: Mapping[str, str], *, ca: Path | None, demonstration: bool
    ) -> IssuerSettings:
        """Return the settings; a ``ValueError`` says which key is missing or wrong."""
        if not given.get("token_env"):
            raise ValueError("the key `issuer.token_env` is missing.")
        if not given["url"].startswith("https://") and not demonstration:
            raise ValueError("`issuer.url` must begin with https://.")
        token = environment.get(given["token_env"], "")
        if not token or not token.isascii() or not token.isprintable():
            raise ValueError(
                f"the environment variable {given['token_env']}, which `issuer.token_env` names, must hold "
                "the issuer's token."
            )
        return cls(given["url"], token, ca)


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
    """What one member may take of the door: of each process, a second or at once; refusals of all of them."""

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


_MOST_S: Final = 1_000_000_000


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

    @classmethod
    def read(cls, given: Mapping[str, Any], *, home: Path) -> TimeSettings:
        """Return the settings; a ``ValueError`` says which key is missing or wrong."""
        for key in ("tsa", "ca"):
            if not given.get(key):
                raise ValueError(f"the key `time.{key}` is missing.")
        if not re.fullmatch(r"|[0-2](\.(0|[1-9][0-9]*)){1,30}", given.get("policy", "")):
            raise ValueError("`time.policy` must be an object identifier, such as 1.3.6.1.4.1.4146.2.3.")
        for key in ("every_s", "every_leaves"):
            if not 1 <= given.get(key, 1) <= _MOST_S:
                raise ValueError(f"`time.{key}` is out of range (1 to {_MOST_S}).")
        return cls(**{**given, "ca": home / given["ca"]})


@dataclass(frozen=True, slots=True)
class WitnessSettings:
    """A witness beside the peers (C2SP tlog-witness)."""

    name: str
    url: str
    key: str
    """Its verifier key (C2SP signed-note), as it publishes it."""


DEMONSTRATION_KIND: Final = "demonstration"
"""The kind of home provider that only a demonstration may have."""


@dataclass(frozen=True, slots=True)
class HomeSettings:
    """A home identity provider: where this side's own residents sign in (``[[home]]``)."""

    id: str
    """What accounts are kept under: it never changes."""
    kind: str
    """Which adapter speaks to it; see ``kouan.apps.identity.home``."""
    name: Mapping[str, str]
    """What people call it, in ``en``, ``zh-hant`` and ``zh-hans``."""
    issuer: str
    """Its address, which is also its name where it speaks OpenID Connect."""
    client_id: str
    levels: Mapping[str, int] = field(default_factory=dict)
    """What it calls a level → the level of assurance, 1 to 4; without any, those of the side's data."""
    authentication: Mapping[str, int] = field(default_factory=dict)
    """How a person authenticated (RFC 8176) → the highest level that it is good for. Empty: the provider's
    level says it all."""
    claims: Mapping[str, str] = field(default_factory=dict)
    """Our name of a claim → the provider's, where it is another."""
    scopes: tuple[str, ...] = ("openid", "profile")
    key_file: Path | None = None
    """A private key (PEM): it signs our assertions, or opens what an iAM Smart service is sent."""
    ca_file: Path | None = None
    """Certification authorities (PEM) of the provider; the machine's own if ``None``."""
    secret: str = field(default="", repr=False)

    @classmethod
    def read_all(
        cls,
        tables: Sequence[Mapping[str, Any]],
        environment: Mapping[str, str],
        *,
        home: Path,
        demonstration: bool,
    ) -> tuple[HomeSettings, ...]:
        """Return the settings of every table; a ``ValueError`` says which key is missing or wrong."""
        found = [cls.read(each, environment, home=home, demonstration=demonstration) for each in tables]
        if len({each.id for each in found}) != len(found):
            raise ValueError("two `home.id` are the same.")
        return tuple(found)

    @classmethod
    def read(
        cls, given: Mapping[str, Any], environment: Mapping[str, str], *, home: Path, demonstration: bool
    ) -> HomeSettings:
        """Return the settings of one table; a ``ValueError`` says which key is missing or wrong."""
        for key in ("id", "kind", "name", "issuer", "client_id"):
            if not given.get(key):
                raise ValueError(f"the key `home.{key}` is missing.")
        if given["kind"] == DEMONSTRATION_KIND and not demonstration:
            raise ValueError("`home.kind`: a demonstration's provider lets anybody be anybody; this is none.")
        if not is_provider(given["issuer"], demonstration=demonstration):
            raise ValueError("`home.issuer` must be an https:// address without a query.")
        _check_texts(given)
        _check_levels(given)
        values: dict[str, Any] = {
            key: value for key, value in given.items() if key not in {"secret_env", "key_file", "ca_file"}
        }
        for key in ("key_file", "ca_file"):
            if given.get(key):
                values[key] = home / given[key]
                if not values[key].is_file():
                    raise ValueError(f"`home.{key}` names no file ({values[key]}).")
        values["scopes"] = tuple(given.get("scopes", ("openid", "profile")))
        return cls(**values, secret=_secret(given.get("secret_env", ""), environment))


def _check_texts(given: Mapping[str, Any]) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9-]{1,39}", given["id"]):
        raise ValueError("`home.id` must have 2 to 40 of a-z, 0-9 and -, beginning with a letter.")
    name = given["name"]
    if set(name) != {"en", "zh-hant", "zh-hans"} or not all(_is_words(text) for text in name.values()):
        raise ValueError("`home.name` must be a text in each of en, zh-hant and zh-hans.")
    for key in ("claims", "scopes"):
        values = given.get(key, ())
        if not all(_is_words(text) for text in (values.values() if isinstance(values, dict) else values)):
            raise ValueError(f"`home.{key}` holds texts alone.")


def _check_levels(given: Mapping[str, Any]) -> None:
    for key in ("levels", "authentication"):
        if not all(type(level) is int and 1 <= level <= 4 for level in given.get(key, {}).values()):  # noqa: PLR2004 - the levels that there are
            raise ValueError(f"`home.{key}`: every level must be 1, 2, 3 or 4.")


def _secret(variable: str, environment: Mapping[str, str]) -> str:
    if not variable:
        return ""
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", variable):
        raise ValueError("`home.secret_env` must name an environment variable, not hold the secret.")
    if not environment.get(variable):
        raise ValueError(f"`home.secret_env`: the environment variable {variable} is not set.")
    return environment[variable]


def _is_words(text: object) -> bool:
    return isinstance(text, str) and bool(text.strip())


def is_provider(address: str, *, demonstration: bool) -> bool:
    """Say whether a provider may be at ``address``: HTTPS, or in a demonstration HTTP on this machine."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        sound = bool(host) and parts.port != 0 and not set(address) & set("@#? ")
    except ValueError:
        return False
    plain = parts.scheme == "http" and demonstration and (host == "localhost" or _is_loopback(host))
    return sound and address.isascii() and (parts.scheme == "https" or plain)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
