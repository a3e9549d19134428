"""People who have signed in and agreed, made in the database of a node; prints the cookies of their browsers.

Reads ``{"people", "back", "key"}`` as JSON: how many, their services' address and public key.
"""

from __future__ import annotations

import json
import sys
import uuid
from datetime import timedelta
from importlib import import_module

import django

django.setup()

from django.conf import settings  # noqa: E402 - Django has to be set up first
from django.utils import timezone  # noqa: E402 - as above

from kouan.apps.identity import consents, residents  # noqa: E402 - as above
from kouan.apps.identity.home.adapter import HomeSignIn  # noqa: E402 - as above
from kouan.apps.identity.models import Interaction, Service  # noqa: E402 - as above
from kouan.apps.identity.provider.clients import get_client  # noqa: E402 - as above
from kouan.apps.identity.provider.requests import Request  # noqa: E402 - as above

CLAIMS = ["name", "birthdate"]
BROWSER = b"b" * 32
now = timezone.now()


def agree(session, profile, number, given) -> None:  # noqa: ANN001 - a script
    """Register a service and have the person of a session agree to it."""
    texts = [f"{what}_{script}" for what in ("name", "purpose") for script in ("en", "zh_hant", "zh_hans")]
    Service.objects.create(
        client_id=f"{profile}-{number}",
        department="Libraries",
        **dict.fromkeys(texts, "Library"),
        profile=profile,
        redirect_uris=[given["back"]],
        jwks={} if profile == "public" else {"keys": [given["key"]]},
        claims=CLAIMS,
        created_at=now,
    )
    client = get_client(f"{profile}-{number}")
    request = Request(
        client_id=client.id,
        redirect_uri=given["back"],
        scopes=("openid", "profile"),
        claims=client.claims,
        level=client.level,
        service=client.service,
        code_challenge="c" * 43,
    )
    row = Interaction.objects.create(
        browser=BROWSER,
        client=client.id,
        params=request.to_json(),
        stage="consent",
        side=settings.NODE.side,
        home_session=session,
        began_at=now,
        expires_at=now + timedelta(minutes=9),
    )
    consents.give(key=row.key, browser=BROWSER, ticked=CLAIMS)
    row.delete()


given = json.load(sys.stdin)
cookies = []
for number in range(given["people"]):
    session = residents.signed_in(
        provider="demonstration",
        said=HomeSignIn(
            subject=uuid.uuid4().hex,
            level=3,
            amr=("pwd", "otp"),
            authenticated_at=now,
            claims={"name": "LEE Ka Yan", "birthdate": "1988-04-12"},
        ),
    )
    browser = import_module(settings.SESSION_ENGINE).SessionStore()
    browser["identity_home"] = str(session.key)
    browser.create()
    cookies.append({settings.SESSION_COOKIE_NAME: browser.session_key})
    for profile in ("public", "fapi2"):
        agree(session, profile, number, given)
sys.stdout.write(json.dumps(cookies))
