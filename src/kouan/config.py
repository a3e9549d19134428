"""A node's settings: one ``node.toml``, secrets from the environment, and nothing guessed.

Start-up stops with a sentence that names the key when one is unknown, missing, of the wrong type,
or when a secret is absent. Paths in the file are relative to the file.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from kouan.sections import (
    DOOR_KEYS,
    Address,
    AttachedSettings,
    BlobSettings,
    DoorSettings,
    ExchangeSettings,
    HomeSettings,
    IdentitySettings,
    IssuerSettings,
    ProcessSettings,
    TimeSettings,
    TokenSettings,
    ValidationSettings,
    WatchSettings,
    WitnessSettings,
    payments,
)
from kouan.sections.dataflow import DataFlowSettings
from kouan.sections.mail import MailSettings
from kouan.sections.programme import ProgrammeSettings
from kouan.sections.services import ServicesSettings
from kouan.sections.shape import SHAPE
from kouan.sections.signers import SignerSettings, second_signature
from kouan.sections.signing import FormerTime, SigningSettings
from kouan.sections.staff import StaffSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")
NODE_VARIABLE: Final = "KOUAN_NODE"
SECRET_VARIABLE: Final = "KOUAN_SECRET_KEY"  # noqa: S105 - the name of the variable, not the secret
DATABASE_PASSWORD_VARIABLE: Final = "KOUAN_DATABASE_PASSWORD"  # noqa: S105 - as above
NATS_VARIABLE: Final = "KOUAN_NATS_PASSWORD"
MIN_SECRET_LENGTH: Final = 32
DEMONSTRATION_COOLING_OFF_S: Final = 60
_MOST_PROCESSES: Final = 64
_MOST: Final = 1_000_000_000
_MOST_DAYS: Final = 36_500
_MOST_BYTES: Final = 1 << 50


class ConfigError(Exception):
    """Start-up cannot go on; the text says which key of which file, and what to do."""


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """One side's node, as its ``node.toml`` and its environment describe it."""

    home: Path
    side: str
    demonstration: bool
    database: str
    portal_listen: Address
    portal_origin: str
    door_listen: Address
    door_url: str
    keys: Path
    agreements: Path
    declarations: Path
    run: Path
    exchange: ExchangeSettings
    door: DoorSettings
    processes: ProcessSettings
    attached: AttachedSettings
    staff: StaffSettings
    watch: WatchSettings
    blobs: BlobSettings
    blobs_folder: Path
    secret_key: str = field(repr=False)
    time: TimeSettings | None = None
    witnesses: tuple[WitnessSettings, ...] = ()
    quorum: int = 1
    """How many witnesses must have co-signed a checkpoint of ours before it counts as final."""
    token: TokenSettings | None = None
    homes: tuple[HomeSettings, ...] = ()
    """Where this side's residents sign in."""
    identity: IdentitySettings = field(default_factory=IdentitySettings)
    issuer: IssuerSettings | None = None
    """Who answers whether two documents are one person's, where this side's has such a register."""
    validation: ValidationSettings = field(default_factory=ValidationSettings)
    dataflow: DataFlowSettings = field(default_factory=DataFlowSettings)
    signing: SigningSettings = field(default_factory=SigningSettings)
    former_time: tuple[FormerTime, ...] = ()
    signers: tuple[SignerSettings, ...] = ()
    mail: MailSettings = field(default_factory=MailSettings)
    programme: ProgrammeSettings = field(default_factory=ProgrammeSettings)
    second_signature: str = ""
    """``sm2``: all that this side signs for others is signed by SM2 as well; else it is signed once."""
    payments: tuple[str, ...] = ()
    services: ServicesSettings = field(default_factory=ServicesSettings)


_REQUIRED: Final = {"side", "portal.listen", "portal.origin", "door.listen", "door.url"}


def load(path: Path, environment: Mapping[str, str] = os.environ) -> NodeConfig:
    """Read and check ``node.toml`` at ``path``; raises ``ConfigError`` naming the key at fault."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}). `kouan init` makes one.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    witnesses = _witnesses(path, raw.pop("witness", []))
    homes = _tables(path, "home", raw.pop("home", []))
    signers = _tables(path, "signer", raw.pop("signer", []))
    former_time = _tables(path, "former_time", raw.pop("former_time", []))
    values = _flatten(path, raw)
    for key in sorted(_REQUIRED - values.keys()):
        raise ConfigError(f"{path}: the key `{key}` is missing.")
    secret = environment.get(SECRET_VARIABLE, "")
    if len(secret) < MIN_SECRET_LENGTH:
        raise ConfigError(
            f"The environment variable {SECRET_VARIABLE} must hold a secret of at least "
            f"{MIN_SECRET_LENGTH} characters; it is {'too short' if secret else 'not set'}."
        )
    home, demonstration = path.resolve().parent, values.get("demonstration", False)
    token, exchange, staff = (_section(values, name) for name in ("token", "exchange", "staff"))
    for key, value in exchange.items():
        # Infinity and "not a number" are numbers to TOML.
        if not 0 <= value <= _MOST or (key == "batch_max" and not 1 <= value <= 1000):  # noqa: PLR2004 - the wire's bound
            raise ConfigError(f"{path}: `exchange.{key}` is out of range.")
    _between(path, "exchange.keep_bodies_days", exchange.get("keep_bodies_days", 0), 0, _MOST_DAYS)
    door = {key: value for key, value in _section(values, "door").items() if key in DOOR_KEYS}
    for key, value in door.items():
        _between(path, f"door.{key}", value, 1, _MOST)
    blobs = {key.removeprefix("blobs."): v for key, v in values.items() if key.startswith("blobs.")}
    folder = blobs.pop("folder", "blobs")
    for key, value in blobs.items():
        if not 0 <= value <= (_MOST_BYTES if key.endswith("_bytes") else _MOST):
            raise ConfigError(f"{path}: `blobs.{key}` is out of range.")
    return NodeConfig(
        home=home,
        side=values["side"],
        demonstration=demonstration,
        database=values.get("database", "sqlite:///kouan.sqlite3"),
        portal_listen=_address(path, "portal.listen", values["portal.listen"]),
        portal_origin=_url(path, "portal.origin", values["portal.origin"], {"http", "https"}),
        door_listen=_address(path, "door.listen", values["door.listen"]),
        door_url=_url(path, "door.url", values["door.url"], {"https"}),
        keys=home / values.get("keys", "keys"),
        agreements=home / values.get("agreements", "agreements"),
        declarations=home / values.get("declarations", "declarations"),
        run=home / values.get("run", "run"),
        second_signature=_named(path, lambda: second_signature(values)),
        exchange=ExchangeSettings(**exchange),
        door=DoorSettings(**door),
        processes=ProcessSettings(
            **{
                key: _between(path, f"processes.{key}", count, 1, _MOST_PROCESSES)
                for key, count in _section(values, "processes").items()
            }
        ),
        attached=_attached(path, home, values, environment),
        staff=_named(
            path,
            lambda: StaffSettings.read(staff, environment, home=home, demonstration=demonstration),
        ),
        watch=_watch(path, _section(values, "watch")),
        blobs=BlobSettings(**blobs),
        blobs_folder=home / folder,
        secret_key=secret,
        time=_time(path, values),
        witnesses=witnesses,
        quorum=_between(path, "ledger.quorum", values.get("ledger.quorum", 1), 1, 16),
        token=_named(path, lambda: TokenSettings.read(token)) if token else None,
        homes=_named(
            path, lambda: HomeSettings.read_all(homes, environment, home=home, demonstration=demonstration)
        ),
        identity=_identity(path, values),
        issuer=_issuer(path, values, environment),
        validation=_named(path, lambda: ValidationSettings.read(_section(values, "validation"))),
        dataflow=_named(path, lambda: DataFlowSettings.read(_section(values, "dataflow"))),
        signers=_named(path, lambda: SignerSettings.read_all(signers, environment, home=home)),
        signing=_named(path, lambda: SigningSettings.read(_section(values, "signing"))),
        former_time=_named(path, lambda: FormerTime.read_all(former_time, home=home)),
        payments=_named(path, lambda: payments.read(_section(values, "payments"))),
        services=_named(path, lambda: ServicesSettings.read(_section(values, "services"))),
        mail=_named(path, lambda: MailSettings.read(_section(values, "mail"), environment, demonstration)),
        programme=_named(
            path, lambda: ProgrammeSettings.read(_section(values, "programme"), environment, home=home)
        ),
    )


def _attached(
    path: Path, home: Path, values: Mapping[str, Any], environment: Mapping[str, str]
) -> AttachedSettings:
    given = {key.removeprefix("attached."): v for key, v in values.items() if key.startswith("attached.")}
    if not 1 <= given.get("rate_per_second", 1) <= _MOST:
        raise ConfigError(f"{path}: `attached.rate_per_second` is out of range.")
    if given.get("nats"):
        given["nats"] = _url(path, "attached.nats", given["nats"], {"nats", "tls"})
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", given.get("nats_prefix", "kouan")):
        raise ConfigError(f"{path}: `attached.nats_prefix` must be up to 40 of a-z, 0-9 and -.")
    if "webhook_ca" in given:
        given["webhook_ca"] = home / given["webhook_ca"]
        if not given["webhook_ca"].is_file():
            raise ConfigError(f"{path}: `attached.webhook_ca` names no file ({given['webhook_ca']}).")
    return AttachedSettings(**given, nats_password=environment.get(NATS_VARIABLE, ""))


def _identity(path: Path, values: Mapping[str, Any]) -> IdentitySettings:
    # A visitor of a demonstration does not wait for three days.
    usual = DEMONSTRATION_COOLING_OFF_S if values.get("demonstration") else IdentitySettings().cooling_off_s
    seconds = _between(path, "identity.cooling_off_s", values.get("identity.cooling_off_s", usual), 0, _MOST)
    ca = path.resolve().parent / values["identity.ca"] if "identity.ca" in values else None
    if ca is not None and not ca.is_file():
        raise ConfigError(f"{path}: `identity.ca` names no file ({ca}).")
    return IdentitySettings(seconds, ca)


def _issuer(path: Path, values: dict[str, Any], environment: Mapping[str, str]) -> IssuerSettings | None:
    """Read the table ``[issuer]``; without it nobody can say whether two documents are one person's."""
    if not (given := _section(values, "issuer")):
        return None
    given["url"] = _service(path, "issuer.url", given.get("url", ""))
    ca, demonstration = _identity(path, values).ca, values.get("demonstration", False)
    return _named(path, lambda: IssuerSettings.read(given, environment, ca=ca, demonstration=demonstration))


def load_from_environment(environment: Mapping[str, str] = os.environ) -> NodeConfig:
    """Read the ``node.toml`` that ``KOUAN_NODE`` names; raises ``ConfigError``."""
    path = environment.get(NODE_VARIABLE)
    if not path:
        raise ConfigError(f"The environment variable {NODE_VARIABLE} must name the node.toml to use.")
    return load(Path(path), environment)


def _flatten(path: Path, raw: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in raw.items():
        section, items = (key, value) if key and key in SHAPE else ("", {key: value})
        if not isinstance(items, dict):
            raise ConfigError(f"{path}: `{key}` must be a table, [{key}].")
        for name, inner in items.items():
            full = f"{section}.{name}" if section else name
            expected = SHAPE[section].get(name)
            if expected is None:
                raise ConfigError(f"{path}: the key `{full}` is unknown; check its spelling or remove it.")
            if not isinstance(inner, expected) or (isinstance(inner, bool) and expected is not bool):
                raise ConfigError(f"{path}: `{full}` has the wrong type ({type(inner).__name__}).")
            values[full] = inner
    return values


def _named(path: Path, read: Callable[[], T]) -> T:
    """Return what ``read`` returns; what it says is wrong is told with the file."""
    try:
        return read()
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None


def _section(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key.removeprefix(f"{name}."): v for key, v in values.items() if key.startswith(f"{name}.")}


def _watch(path: Path, values: dict[str, Any]) -> WatchSettings:
    if values.get("logs", "text") not in {"text", "json"}:
        raise ConfigError(f'{path}: `watch.logs` must be "text" or "json".')
    notify = values.get("notify", [])
    if not all(isinstance(word, str) and word for word in notify):
        raise ConfigError(f'{path}: `watch.notify` must be a list of texts, such as ["/usr/bin/program"].')
    listen = _address(path, "watch.listen", values["listen"]) if values.get("listen") else None
    if listen is not None and listen.port > 65533:  # noqa: PLR2004 - TCP's ports, three in a row
        raise ConfigError(f"{path}: `watch.listen` leaves no ports for the door and the worker.")
    for key, value in values.items():
        if isinstance(value, (int, float)):
            least, most = {"traces_share": (0, 1), "every_s": (0.1, 60)}.get(key, (0, _MOST))
            if not least <= value <= most:  # infinity and "not a number" are numbers to TOML
                raise ConfigError(f"{path}: `watch.{key}` is out of range.")
    return WatchSettings(**(values | {"listen": listen, "notify": tuple(notify)}))


def _witnesses(path: Path, raw: Any) -> tuple[WitnessSettings, ...]:
    """Read the ``[[witness]]`` tables."""
    found: list[WitnessSettings] = []
    for values in _tables(path, "witness", raw):
        for key in SHAPE["witness"]:
            if not values.get(key):
                raise ConfigError(f"{path}: the key `witness.{key}` is missing.")
        name = values["name"]
        # What a name may hold, the signed notes decide (C2SP signed-note).
        if values["key"].partition("+")[0] != name or any(name == known.name for known in found):
            raise ConfigError(
                f"{path}: `witness.name` must be the name in its `witness.key`, and no other's: {name!r}."
            )
        url = _service(path, "witness.url", values["url"])
        found.append(WitnessSettings(name, url, values["key"]))
    return tuple(found)


def _tables(path: Path, name: str, raw: Any) -> list[dict[str, Any]]:
    """Return what several tables of one name hold, each with known keys of the right types."""
    if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
        raise ConfigError(f"{path}: `{name}` must be tables, [[{name}]].")
    return [_section(_flatten(path, {name: item}), name) for item in raw]


def _time(path: Path, values: dict[str, Any]) -> TimeSettings | None:
    """Read the table ``[time]``; without it nothing is stamped."""
    given = _section(values, "time")
    if given.get("tsa"):
        given["tsa"] = _service(path, "time.tsa", given["tsa"])
    return _named(path, lambda: TimeSettings.read(given, home=path.resolve().parent)) if given else None


def _between(path: Path, key: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise ConfigError(f"{path}: `{key}` is out of range ({least} to {most}).")
    return value


def _service(path: Path, key: str, value: str) -> str:
    """Return the address of a service of somebody else's, which may have a path."""
    try:
        parts = urlsplit(value)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or set(value) & set("@#") or not value.isascii() or not value.isprintable():
        raise ConfigError(f"{path}: `{key}` must be an address, http:// or https://, without a user name.")
    return value.rstrip("/")


def _address(path: Path, key: str, value: str) -> Address:
    host, _, port = value.rpartition(":")
    if not host or not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > 65535:  # noqa: PLR2004 - TCP's ports
        raise ConfigError(f"{path}: `{key}` must be host:port, such as 127.0.0.1:8100.")
    return Address(host, int(port))


def _url(path: Path, key: str, value: str, schemes: set[str]) -> str:
    try:
        parts = urlsplit(value)
        sound = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # half an address in brackets, or a port that is no number
        sound = False
    if not sound or value.rstrip("/") != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc:
        raise ConfigError(
            f"{path}: `{key}` must be {' or '.join(sorted(schemes))}://host[:port] without a path."
        )
    return value.rstrip("/")
