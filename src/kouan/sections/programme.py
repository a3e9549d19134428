"""The table ``[programme]`` of ``node.toml``: the model that may propose more of what records say."""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEYS: Final[dict[str, type | tuple[type, ...]]] = {
    **dict.fromkeys(("model_url", "model", "model_contract", "model_token_env", "model_ca"), str),
    "model_seconds": (int, float),
}
"""Its keys and their types."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,50}")
_CONTRACTS: Final = frozenset({"plain", "chat"})
_LONGEST: Final = 60.0


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """A model behind HTTP that is asked about each record; what it says counts for nothing by itself."""

    url: str
    name: str
    contract: str = "plain"
    """``plain`` or ``chat`` (docs/programme.md)."""
    seconds: float = 20.0
    """For a whole answer."""
    ca_file: Path | None = None
    token: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        """Its name, for messages."""
        return urlsplit(self.url).hostname or ""

    @property
    def demonstration(self) -> bool:
        """Whether it runs on this very machine, where plain HTTP is taken."""
        return _is_here(self.host)


@dataclass(frozen=True, slots=True)
class ProgrammeSettings:
    """How records are read: by rules, and where ``model`` is set also by a model."""

    model: ModelSettings | None = None

    @classmethod
    def read(
        cls, given: Mapping[str, Any], environment: Mapping[str, str], *, home: Path
    ) -> ProgrammeSettings:
        """Return the settings; a ``ValueError`` says which key is missing or wrong."""
        url = given.get("model_url", "")
        if not url:
            if given:
                raise ValueError("the key `programme.model_url` is missing.")
            return cls()
        if not _is_sound(url):
            raise ValueError(
                "`programme.model_url` must be an https:// address, or http:// on this very machine."
            )
        if not _NAME.fullmatch(given.get("model", "")):
            raise ValueError("`programme.model` must name the model: up to 51 of A-Z, a-z, 0-9 and ._:/-.")
        if given.get("model_contract", "plain") not in _CONTRACTS:
            raise ValueError("`programme.model_contract` must be plain or chat.")
        seconds = float(given.get("model_seconds", 20.0))
        if not math.isfinite(seconds) or not 1 <= seconds <= _LONGEST:
            raise ValueError("`programme.model_seconds` is out of range (1 to 60).")
        token_env = given.get("model_token_env", "")
        token = environment.get(token_env, "") if token_env else ""
        if token_env and not (token and token.isascii() and token.isprintable()):
            raise ValueError("`programme.model_token_env` must name an environment variable with a token.")
        ca = home / given["model_ca"] if given.get("model_ca") else None
        if ca is not None and not ca.is_file():
            raise ValueError(f"`programme.model_ca` names no file ({ca}).")
        return cls(
            ModelSettings(url, given["model"], given.get("model_contract", "plain"), seconds, ca, token)
        )


def _is_sound(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or port == 0 or set(url) & set("@#\\ ") or not url.isascii() or not url.isprintable():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
