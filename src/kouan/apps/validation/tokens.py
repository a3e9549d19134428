"""Who calls the JSON API: an institution's system by its token, or anybody where that is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ninja.security import HttpBearer

from kouan.apps.validation import services
from kouan.apps.validation.models import AccessToken

if TYPE_CHECKING:
    from django.http import HttpRequest

ANONYMOUS: Final = "anonymous"


class InstitutionToken(HttpBearer):
    """An institution's access token, as ``kouan institution token`` makes one."""

    def authenticate(self, request: HttpRequest, token: str) -> AccessToken:  # noqa: ARG002 - the library's signature
        """Return the access that the token gives; raises ``BadToken``."""
        return services.use_token(token)


class OptionalInstitutionToken(InstitutionToken):
    """An institution's access token; without one the request counts towards the limit of its address."""

    def __call__(self, request: HttpRequest) -> Any:
        """Let in who shows no token at all, but nobody with a bad one."""
        if "Authorization" not in request.headers:
            return ANONYMOUS
        return super().__call__(request)


def auth_of(request: HttpRequest) -> Any:
    """Return what the way in found about who calls."""
    return request.auth  # type: ignore[attr-defined] # set by the framework


def token_of(request: HttpRequest) -> AccessToken:
    """Return the token of a call that only a token lets in."""
    token = auth_of(request)
    assert isinstance(token, AccessToken)  # noqa: S101 - InstitutionToken lets nobody else in
    return token
