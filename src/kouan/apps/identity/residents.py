"""Residents as the browser's session knows them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from django.utils import timezone

from kouan.apps.identity.models import HomeSession
from kouan.core.vault import Vault

if TYPE_CHECKING:
    from django.http import HttpRequest

_VAULT: Final = Vault("identity/attributes/1")
_KEY: Final = "identity_home"


def seal_attributes(session_key: object, attributes: dict[str, str]) -> bytes:
    """Return attributes as a session keeps them."""
    return _VAULT.seal(json.dumps(attributes, ensure_ascii=False).encode(), of=str(session_key))


def attributes_of(session: HomeSession) -> dict[str, str]:
    """Return what the home provider said of the person; nothing once that is erased."""
    if session.attributes is None:
        return {}
    value: dict[str, str] = json.loads(_VAULT.unseal(bytes(session.attributes), of=str(session.key)))
    return value


def enter(request: HttpRequest, session: HomeSession) -> None:
    """Let this browser act as the session's resident."""
    request.session.cycle_key()
    request.session[_KEY] = str(session.key)


def of(request: HttpRequest) -> HomeSession | None:
    """Return the session as whose resident this browser acts, while it lasts."""
    key = request.session.get(_KEY)
    if not isinstance(key, str):
        return None
    found = HomeSession.objects.select_related("resident").filter(key=key, ended_at__isnull=True).first()
    return found if found is not None and found.expires_at > timezone.now() else None


def leave(request: HttpRequest) -> None:
    """Let this browser act as nobody."""
    request.session.pop(_KEY, None)
    request.session.cycle_key()
