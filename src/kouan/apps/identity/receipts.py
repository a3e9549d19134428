"""Consent receipts: what a person agreed to, as this node signed it.

They say who the person is towards the service, by whom and for what the data is processed, which kinds of
data, from when until when, where, and how the consent is withdrawn. The content is that of every consent's
receipt (``core.trust.receipts``); services read it where they read tokens, so it is a compact JWS (RFC 7515),
ES256, under a key that signs nothing else.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from kouan.apps.identity import keys
from kouan.apps.identity.domain import CLAIMS
from kouan.apps.identity.models import SigningKey
from kouan.core.trust import receipts
from kouan.core.trust.receipts import BadReceipt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kouan.apps.identity.provider.clients import ServiceFacts

SCHEMA: Final = "urn:kouan:consent-receipt:1"
TYPE: Final = "consent-receipt+jws"
VALID_FOR: Final = timedelta(days=365)
"""How long a consent stands unless it is withdrawn."""
MAX_RECEIPT: Final = 8192
"""The most characters of a receipt; the longest texts that a service may have fit."""
DATA_CATEGORIES: Final[Mapping[str, str]] = {
    "name": "dpv-pd:Name",
    "name#zh-Hant": "dpv-pd:Name",
    "name#zh-Hans": "dpv-pd:Name",
    "gender": "dpv-pd:Gender",
    "birthdate": "dpv-pd:BirthDate",
    "email": "dpv-pd:EmailAddress",
    "phone_number": "dpv-pd:TelephoneNumber",
    "document_type": "dpv-pd:OfficialID",
    "document_number": "dpv-pd:OfficialID",
}
"""Each claim's category in the Data Privacy Vocabulary."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt whose signature holds."""

    id: uuid.UUID
    """The consent's number."""
    kid: str
    principal: str
    """What the service knows the person by."""
    home: str
    """The side that keeps the consent."""
    side: str
    """The side of the service."""
    service: str
    claims: tuple[str, ...]
    """The most that may be told; a sign-in may tell less."""
    given_at: datetime
    expires_at: datetime


def sign(  # noqa: PLR0913 - all that a receipt says, by name
    *,
    id: uuid.UUID,  # noqa: A002 - as the record calls it
    principal: str,
    service: ServiceFacts,
    claims: Sequence[str],
    language: str,
    given_at: datetime,
    expires_at: datetime,
) -> str:
    """Return the signed receipt of a consent that is given now."""
    own = settings.NODE.side
    key = keys.current(SigningKey.Use.RECEIPT)
    said = receipts.consent(
        schema=SCHEMA,
        record=id,
        principal=principal,
        language=language,
        processing={
            "purposes": [
                {
                    "purpose": service.purpose.in_language(language),
                    "purpose_type": "dpv:IdentityAuthentication",
                    "lawful_basis": "dpv:Consent",
                    "pii_information": [
                        {"pii_attribute_id": name, "pii_type": DATA_CATEGORIES[name]} for name in claims
                    ],
                    "pii_controllers": [f"urn:kouan:node:{own}"],
                    "recipient_third_parties": [f"urn:kouan:service:{service.side}:{service.id}"],
                    "collection_method": "dpv:InformationFromIdentityProvider",
                    "jurisdictions": sorted({own, service.side}),
                    "withdrawal_method": f"{settings.NODE.portal_origin}/identity/consents/{id}/withdraw",
                }
            ]
        },
        parties=[
            receipts.keeper("pii-controller"),
            {
                "party_id": f"urn:kouan:service:{service.side}:{service.id}",
                "party_role": "recipient",
                "party_name": service.name.in_language(language),
                "party_department": service.department,
            },
        ],
        event=receipts.given(given_at, valid_until=receipts.written(expires_at)),
    )
    header = {"alg": "ES256", "kid": key.kid, "typ": TYPE}
    return jws.serialize_compact(header, receipts.written_out(said), key.jwk, algorithms=["ES256"])


def read(text: str, *, keys: Iterable[Mapping[str, Any]]) -> Receipt:
    """Return a receipt that one of these public JWKs signed; raises ``BadReceipt`` for anything else.

    A peer's ``keys`` are those that it announced for receipts, each with its ``kid`` or known by its
    thumbprint. Whether the consent still stands, only the side that keeps it can say.
    """
    if len(text) > MAX_RECEIPT or not text.isascii():
        raise BadReceipt("too long, or no text of a JWS")
    try:
        known = {(key := ECKey.import_key(dict(each))).thumbprint(): key for each in keys}
        kid = str(jws.extract_compact(text.encode()).headers().get("kid"))
        found = jws.deserialize_compact(text, known[kid], algorithms=["ES256"])
        return _receipt(kid, found.headers().get("typ"), json.loads(found.payload))
    except BadReceipt:
        raise
    except (AttributeError, IndexError, JoseError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise BadReceipt(type(error).__name__) from None


def content(text: str) -> dict[str, Any]:
    """Return what a receipt of this node's own says, without checking it."""
    value: dict[str, Any] = json.loads(jws.extract_compact(text.encode()).payload)
    return value


def signer(text: str) -> SigningKey | None:
    """Return the key that signed a receipt of this node's own."""
    kid = jws.extract_compact(text.encode()).headers().get("kid", "")
    return SigningKey.objects.filter(kid=kid, use=SigningKey.Use.RECEIPT).first()


def _receipt(kid: str, type_: object, value: Mapping[str, Any]) -> Receipt:
    (purpose,) = value["pii_processing"]["purposes"]
    (event,) = value["events"]
    home, prefix = purpose["pii_controllers"][0].removeprefix("urn:kouan:node:"), "urn:kouan:service:"
    recipient = purpose["recipient_third_parties"][0]
    if type_ != TYPE or value["schema_version"] != SCHEMA or not recipient.startswith(prefix):
        raise BadReceipt("another structure")
    side, _colon, service = recipient.removeprefix(prefix).partition(":")
    claims = tuple(each["pii_attribute_id"] for each in purpose["pii_information"])
    if not set(claims) <= set(CLAIMS) or event["event_state"] != "given":
        raise BadReceipt("unknown claims, or no consent")
    return Receipt(
        id=uuid.UUID(value["record_id"]),
        kid=kid,
        principal=str(value["pii_principal_id"]),
        home=home,
        side=side,
        service=service,
        claims=claims,
        given_at=_moment(event["event_time"]),
        expires_at=_moment(event["valid_until"]),
    )


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise BadReceipt("a moment without a time zone")
    return at
