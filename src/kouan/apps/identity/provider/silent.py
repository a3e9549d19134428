"""``prompt=none``: who is signed in and has agreed before is let through, and nobody is asked anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from kouan.apps.identity import consents, residents
from kouan.apps.identity.domain import INTERACTION_LIFE
from kouan.apps.identity.errors import ConsentNeeded, InteractionOver, NotThisStep
from kouan.apps.identity.models import Interaction
from kouan.apps.identity.provider import finishing
from kouan.apps.identity.provider.authorizing import deny
from kouan.apps.identity.provider.errors import (
    ConsentRequired,
    InteractionRequired,
    LoginRequired,
    OAuthError,
)

if TYPE_CHECKING:
    from kouan.apps.identity.models import HomeSession
    from kouan.apps.identity.provider.clients import Client
    from kouan.apps.identity.provider.requests import Request


def answer(client: Client, request: Request, session: HomeSession | None) -> str:
    """Return where the browser takes a code, or the news that somebody would have to be asked.

    ``session`` is that of the resident in this browser. It is one request and one transaction, the caller's.
    """
    try:
        return _let_through(client, request, session)
    except ConsentNeeded:
        return deny(request, ConsentRequired())
    except (InteractionOver, NotThisStep):  # who was signed in is no more, or has withdrawn meanwhile
        return deny(request, LoginRequired())
    except OAuthError as error:
        return deny(request, error)


def _let_through(client: Client, request: Request, session: HomeSession | None) -> str:
    own = settings.NODE.side
    if (request.side or own) != own or (session is None and not request.side and len(client.sides) > 1):
        raise InteractionRequired
    if session is None or not residents.suits(session, level=request.level, max_age=request.max_age):
        raise LoginRequired
    session = residents.settled(session)
    granted, receipt = consents.agreed_before(session=session, client=client, request=request)
    now = timezone.now()
    passed = Interaction(
        client=client.id,
        stage=Interaction.Stage.DONE,
        side=own,
        home_session=session,
        granted=granted,
        receipt=receipt,
        began_at=now,
        expires_at=now + INTERACTION_LIFE,
    )
    return finishing.conclude(passed, client, request)
