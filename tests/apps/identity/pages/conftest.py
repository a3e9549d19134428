"""A resident of Hong Kong who is signed in at home, a service of each side, and keys of every kind."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from joserfc.jwk import ECKey, OKPKey, RSAKey

from kouan.apps.identity import register, residents
from kouan.apps.identity.domain import Level
from kouan.apps.identity.home.adapter import HomeSignIn
from kouan.apps.identity.models import HomeAccount, Interaction, Resident
from kouan.apps.identity.provider.clients import NODE_PREFIX, ServiceFacts
from kouan.apps.identity.provider.requests import Request
from kouan.apps.identity.registration import Registration
from kouan.core.text import Localised

BROWSER = hashlib.sha256(b"a browser").digest()
ATTRIBUTES = {
    "name": "LEE Ka Yan",
    "name#zh-Hant": "李嘉欣",
    "gender": "female",
    "birthdate": "1988-04-12",
    "document_type": "hkid",
    "document_number": "A123456(3)",
}
CLAIMS = ("name", "name#zh-Hant", "birthdate", "email", "document_type", "document_number")
CLINIC = ServiceFacts(
    id="clinic",
    side="gd",
    name=Localised("Clinic appointments", "診所預約", "诊所预约"),
    purpose=Localised("To book an appointment in your name.", "以閣下名義預約。", "以您的名义预约。"),
    department="Health Commission",
)
_P256 = ECKey.generate_key("P-256")


def public(key):
    return {"keys": [key.as_dict(private=False)]}


@pytest.fixture(scope="session")
def keys():
    return {
        "P-256": _P256,
        "P-384": ECKey.generate_key("P-384"),
        "Ed25519": OKPKey.generate_key("Ed25519"),
        "RSA": RSAKey.generate_key(2048),
    }


@pytest.fixture
def registration():
    def make(**changes):
        given = {
            "client_id": "library",
            "department": "Leisure and Cultural Services Department",
            "name": Localised("Library card", "圖書證", "图书证"),
            "purpose": Localised("To issue a library card.", "簽發圖書證。", "签发图书证。"),
            "redirect_uris": ("https://library.example.hk/back",),
            "jwks": public(_P256),
            "claims": ("name", "birthdate"),
            "sides": ("gd",),
        }
        return Registration(**given | changes)

    return make


@pytest.fixture
def library(db, registration):
    return register.add(registration=registration(), by=None)


@pytest.fixture
def resident(db):
    made = Resident.objects.create(created_at=timezone.now())
    HomeAccount.objects.create(
        resident=made, provider="demonstration", subject="lee-ka-yan", created_at=made.created_at
    )
    return made


@pytest.fixture
def session(resident):
    return residents.signed_in(
        provider="demonstration",
        said=HomeSignIn(
            subject="lee-ka-yan",
            level=Level.SUBSTANTIAL,
            amr=("pwd", "otp"),
            authenticated_at=timezone.now(),
            claims=ATTRIBUTES,
        ),
    )


@pytest.fixture
def interaction(session):
    """Begin an interaction at a stage: of Guangdong's node for its clinic, or of a service of our own."""

    def make(*, client=f"{NODE_PREFIX}gd", service=CLINIC, claims=CLAIMS, stage="consent", **more):
        request = Request(
            client_id=client,
            redirect_uri=more.pop("redirect_uri", "http://127.0.0.1:18200/identity/relay/callback"),
            scopes=("openid",),
            claims=tuple(claims),
            level=more.pop("level", Level.LOW),
            service=service,
            code_challenge="c" * 43,
            state="s",
            link=more.pop("link", ""),
        )
        now = timezone.now()
        return Interaction.objects.create(
            **{
                "browser": BROWSER,
                "client": client,
                "params": json.loads(json.dumps(request.to_json())),
                "stage": stage,
                "side": "hk",
                "home_session": session if stage in {"consent", "done"} else None,
                "began_at": now,
                "expires_at": now + timedelta(minutes=15),
            }
            | more
        )

    return make


@pytest.fixture
def guangdong(db):
    """Guangdong's provider, as it announced itself."""
    from kouan.apps.identity.models import PeerProvider  # noqa: PLC0415 - needs Django's set-up

    return PeerProvider.objects.create(
        side="gd",
        issuer="http://127.0.0.1:18200",
        keys=[],
        serial=1,
        told_at=timezone.now(),
        message_id=uuid.uuid4(),
    )
