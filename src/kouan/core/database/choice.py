"""Which database a node uses: ``database`` in ``node.toml`` as Django's settings.

``sqlite:///FILE`` is a file beside ``node.toml``. ``postgresql://USER@HOST:PORT/NAME`` is a server, which
several processes and machines may share; its password is never in a file of ours.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from kouan.config import DATABASE_PASSWORD_VARIABLE, ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_FILES: Final = ("sslrootcert", "sslcert", "sslkey")
_HERE: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})
_LONGEST_NAME: Final = 63

_SESSION: Final = {
    # What was answered survives the loss of power, whatever the server's default is.
    "synchronous_commit": "on",
    # Nobody waits for a lock longer than SQLite's writers would; nobody holds one and does nothing.
    "lock_timeout": "20s",
    "idle_in_transaction_session_timeout": "60s",
    # Every statement here is short: compiling one takes longer than running it.
    "jit": "off",
    # A client that died, or whose machine did, loses its locks within seconds: also its turn as sender.
    "client_connection_check_interval": "2s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "3",
    "tcp_keepalives_count": "3",
}
_CLIENT: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


def is_postgresql(url: str) -> bool:
    """Say whether a ``database`` names a PostgreSQL server."""
    return url.startswith("postgresql://")


def settings_of(
    url: str, *, home: Path, environment: Mapping[str, str], application: str = "kouan"
) -> dict[str, Any]:
    """Return what Django's ``DATABASES`` says for ``url``; raises ``ConfigError`` naming the key.

    ``home`` is what relative paths start from; ``application`` is how the server's own lists show us.
    """
    if is_postgresql(url):
        return _postgresql(url, home, environment, application)
    if not url.startswith("sqlite:///"):
        raise _wrong("it begins neither with sqlite:/// nor with postgresql://")
    return {
        "ENGINE": "kouan.core.database.sqlite",
        "NAME": str(home / url.removeprefix("sqlite:///")),
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 20,
            # A writer takes its lock at BEGIN, so two writers queue instead of failing half-way.
            "transaction_mode": "IMMEDIATE",
            # FULL: a commit that was answered survives the loss of power.
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
                "PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-64000;"
            ),
        },
    }


def _postgresql(url: str, home: Path, environment: Mapping[str, str], application: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _wrong("its host or port cannot be read") from None
    if parts.password is not None:
        raise _wrong(f"it holds a password; put that into {DATABASE_PASSWORD_VARIABLE} or a PGPASSFILE")
    name = unquote(parts.path.removeprefix("/"))
    if not re.fullmatch(r"[^/\0]+", name) or len(name.encode()) > _LONGEST_NAME or parts.fragment:
        raise _wrong("it needs one name of a database after the host")
    options = _options(parts, home)
    return {
        "ENGINE": "kouan.core.database.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": environment.get(DATABASE_PASSWORD_VARIABLE, ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(port or ""),
        "CONN_MAX_AGE": None,
        # A connection that the server closed meanwhile is noticed before a request uses it.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **_CLIENT,
            **options,
            "application_name": application[:_LONGEST_NAME],
            "options": " ".join(f"-c {key}={value}" for key, value in _SESSION.items()),
        },
    }


def _options(parts: SplitResult, home: Path) -> dict[str, str]:
    """Return what follows the question mark: how TLS is used, or the folder of a Unix socket."""
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    for key in given.keys() - {"sslmode", "host", *_FILES}:
        raise _wrong(f"the option {key} is unknown; there are sslmode, {', '.join(_FILES)} and host")
    if "host" in given and (parts.hostname or not given["host"].startswith("/")):
        raise _wrong("host is for the folder of a Unix socket, with no host before the name")
    host = given.get("host") or parts.hostname or ""
    # Beyond this machine the server proves who it is, unless the operator decides otherwise.
    local = host in _HERE or host.startswith("/")
    mode = given.setdefault("sslmode", "prefer" if local else "verify-full")
    if mode not in _MODES:
        raise _wrong(f"sslmode is one of {', '.join(_MODES)}")
    for key in _FILES:
        if key in given and given[key] != "system":
            given[key] = str(home / given[key])
    return given


def _wrong(why: str) -> ConfigError:
    return ConfigError(
        f"`database` in node.toml cannot be used: {why}. It is sqlite:///FILE or postgresql://USER@HOST:PORT/NAME."
    )
