"""The table ``[staff]`` of ``node.toml``: how officers sign in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from kouan.sections import is_provider

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECRET_VARIABLE: Final = "KOUAN_STAFF_CLIENT_SECRET"  # noqa: S105 - the name of the variable, not the secret
KEYS: Final[dict[str, type | tuple[type, ...]]] = {
    "require_second_factor": bool,
    **dict.fromkeys(("idle_minutes", "absolute_hours"), int),
    **dict.fromkeys(("scopes", "acr"), list),
    **dict.fromkeys(("issuer", "client_id", "key", "ca"), str),
    **dict.fromkeys(("department_claim", "roles_claim", "name_claim"), str),
}
"""Its keys and their types."""


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
    def read(
        cls, given: Mapping[str, Any], environment: Mapping[str, str], *, home: Path, demonstration: bool
    ) -> StaffSettings:
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
        settings = cls(**values, client_secret=environment.get(SECRET_VARIABLE, ""))
        if settings.issuer:
            settings._check_provider(demonstration=demonstration)
        return settings

    def _check_provider(self, *, demonstration: bool) -> None:
        if not is_provider(self.issuer, demonstration=demonstration):
            raise ValueError("`staff.issuer` must be an address, https://, without a user name or a query.")
        if not re.fullmatch(r"[!-~]{1,200}", self.client_id):
            raise ValueError("the key `staff.client_id` is missing.")
        if bool(self.client_secret) == bool(self.key):
            raise ValueError(f"give either `staff.key` or the secret in {SECRET_VARIABLE}.")
        if "openid" not in self.scopes:
            raise ValueError("`staff.scopes` must hold openid.")
