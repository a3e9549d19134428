"""The provider at the door: what a peer's node may call (see ``core.exchange.calls``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings

from kouan.apps.identity.provider.asked import Asked, Endpoint
from kouan.apps.identity.provider.pushing import push
from kouan.apps.identity.provider.tokens import token
from kouan.apps.identity.provider.userinfo import userinfo
from kouan.core.exchange.calls import RETURNED, Answerer, CallAnswer, answer

if TYPE_CHECKING:
    from kouan.core.exchange.calls import Called

ENDPOINTS: Final[dict[str, Endpoint]] = {
    "/identity/par": push,
    "/identity/token": token,
    "/identity/userinfo": userinfo,
}


def register() -> None:
    """Name who answers these calls."""
    for path, endpoint in ENDPOINTS.items():
        answer(path, _ANSWERERS.setdefault(path, _answerer(endpoint)))


def _answerer(endpoint: Endpoint) -> Answerer:
    def answered(called: Called) -> CallAnswer:
        said = endpoint(
            Asked(
                method="POST",
                url=settings.NODE.door_url + called.path,
                body=called.body,
                headers=called.headers,
                peer=called.caller,
            )
        )
        headers = {name: value for name, value in said.headers.items() if name in RETURNED}
        return CallAnswer(said.status, said.body, headers)

    return answered


_ANSWERERS: Final[dict[str, Answerer]] = {}
