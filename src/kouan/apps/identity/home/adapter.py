"""What an adapter to a home identity provider does: send a person there, and understand the answer."""

from __future__ import annotations

import abc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from kouan.apps.identity.home import levels
from kouan.core.text import Localised

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kouan.apps.identity.domain import Level
    from kouan.sections import HomeSettings

CALLBACK: Final = "/identity/home/{}/callback"
"""Where the provider of that id sends the browser back to: an address of its own, so that no other provider's
answer is taken for its (RFC 9700 section 4.4.2.2)."""
BACK_CHANNEL: Final = "/identity/home/{}/logout"
"""Where that provider tells of the end of its sessions."""
AFTER_LOGOUT: Final = "/identity/left"
LOCALES: Final = {"en": "en", "zh-hant": "zh-Hant", "zh-hans": "zh-Hans"}
"""Our languages as OpenID Connect's ``ui_locales`` names them (BCP 47)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a sign-in has to show."""

    level: Level
    """The lowest level that will do."""
    fresh: bool = False
    """Whether the person must authenticate anew, whatever session the provider has."""
    max_age: int | None = None
    """Seconds since the person last authenticated at most."""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt that has begun: where to send the browser, and what ``finish`` needs."""

    url: str
    state: str
    """What comes back with the answer and names this attempt."""
    kept: Mapping[str, Any] = field(repr=False)
    """JSON; kept sealed on this side."""


@dataclass(frozen=True, slots=True)
class HomeSignIn:
    """What a home provider said, once it has been checked."""

    subject: str
    """What it calls the account, for good."""
    level: Level
    authenticated_at: datetime
    amr: tuple[str, ...] = ()
    claims: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By this app's names; see ``claims``."""
    sid: str = ""
    """The provider's own name of its session, by which it may tell of the end."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A provider's word that a session, or all sessions of an account, are over."""

    jti: str
    subject: str = ""
    sid: str = ""


class Adapter(abc.ABC):
    """One home identity provider. All that it raises is a ``KouanError``."""

    def __init__(self, given: HomeSettings) -> None:
        """Take the settings; a ``ValueError`` says which is missing or wrong."""
        self.settings = given
        self.levels = levels.table(given)

    @property
    def id(self) -> str:
        """What accounts of this provider are kept under."""
        return self.settings.id

    @property
    def name(self) -> Localised:
        """What people call it."""
        return Localised.from_mapping(self.settings.name, where=f"home {self.id}")

    @property
    def best(self) -> Level:
        """The highest level that it can reach."""
        return self.levels.best

    @property
    def callback(self) -> str:
        """Where it sends the browser back to."""
        origin: str = settings.NODE.portal_origin
        return origin + CALLBACK.format(self.id)

    @abc.abstractmethod
    def begin(self, asked: Asked) -> Begun:
        """Return where the person signs in."""

    @abc.abstractmethod
    def finish(self, kept: Mapping[str, Any], query: str) -> HomeSignIn:
        """Return who signed in, from what ``begin`` kept and the query of the answer."""

    def logout_url(self, *, back_to: str) -> str:  # noqa: ARG002 - for those that can
        """Return where the person signs out there as well; empty if the provider has no such place.

        No token stands in the address, so the provider asks the person first.
        """
        return ""

    def ended(self, token: str) -> Ended | None:  # noqa: ARG002 - as above
        """Return what a logout token says; nothing if the provider has no back channel."""
        return None
