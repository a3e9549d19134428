"""Which adapters there are, and which this node uses. Another one is a file and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings

from kouan.apps.identity.home.demonstration import Demonstration
from kouan.apps.identity.home.errors import NoHomeProvider, UnknownHomeProvider
from kouan.apps.identity.home.guangdong import Guangdong
from kouan.apps.identity.home.iam_smart import IamSmart
from kouan.apps.identity.home.oidc import OpenIDConnect
from kouan.config import ConfigError

if TYPE_CHECKING:
    from kouan.apps.identity.domain import Level
    from kouan.apps.identity.home.adapter import Adapter
    from kouan.sections import HomeSettings

KINDS: Final[dict[str, type[Adapter]]] = {
    "demonstration": Demonstration,
    "guangdong": Guangdong,
    "iam-smart": IamSmart,
    "oidc": OpenIDConnect,
}


def check() -> None:
    """Raise ``ConfigError`` if the settings name an adapter that is not there, or do not fit theirs."""
    for given in settings.NODE.homes:
        if given.kind not in KINDS:
            raise ConfigError(f"`home.kind`: {given.kind!r} is none of {', '.join(sorted(KINDS))}.")
        try:
            _adapter(given)
        except ValueError as error:
            raise ConfigError(f"[[home]] {given.id}: {error}") from None


def get(provider: str) -> Adapter:
    """Return an adapter by the provider's id; raises ``UnknownHomeProvider``."""
    for given in settings.NODE.homes:
        if given.id == provider:
            return _adapter(given)
    raise UnknownHomeProvider


def offered(level: Level) -> list[Adapter]:
    """Return the providers that can reach a level, as the settings order them; raises ``NoHomeProvider``."""
    found = [adapter for adapter in map(_adapter, settings.NODE.homes) if adapter.best >= level]
    if not found:
        raise NoHomeProvider(level=int(level))
    return found


def _adapter(given: HomeSettings) -> Adapter:
    return KINDS[given.kind](given)
