"""What one node tells another of a request beside OpenID Connect's own parameters (RFC 9396).

``urn:kouan:service`` names the service that the person went to, so that the home side can show who asks.
``urn:kouan:link`` says that the sign-in is a part of linking two accounts.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.identity.domain import DOCUMENT_PAIRS
from kouan.apps.identity.provider.clients import ServiceFacts

if TYPE_CHECKING:
    from kouan.apps.identity.provider.requests import Request

SERVICE: Final = "urn:kouan:service"
LINK: Final = "urn:kouan:link"
"""Also the claim by which an ID token between nodes names the link that counts."""
MAX_DETAILS: Final = 8 * 1024
_SUBJECT: Final = 64
_KINDS: Final = frozenset(code for pair in DOCUMENT_PAIRS for code in pair)


@dataclass(frozen=True, slots=True)
class Details:
    """What a peer's node says of a request."""

    service: ServiceFacts
    link: str = ""
    link_subject: str = ""
    link_document: str = ""


def written(request: Request) -> str:
    """Return ``authorization_details`` for a peer's provider."""
    details: list[dict[str, Any]] = [{"type": SERVICE, **request.service.to_json()}]
    if request.link:
        details.append(
            {
                "type": LINK,
                "link": request.link,
                "subject": request.link_subject,
                "document": request.link_document,
            }
        )
    return json.dumps(details, ensure_ascii=False)


def read(text: str, *, peer: str) -> Details:
    """Return what ``authorization_details`` of a peer's node say; raises ``ValueError``.

    Exactly one service, and that of the peer's own side; at most one link; nothing else.
    """
    if len(text) > MAX_DETAILS:
        raise ValueError("authorization_details are too long")
    try:
        found = json.loads(text)
        (service,) = (each for each in found if each["type"] == SERVICE)
        links = [each for each in found if each["type"] == LINK]
        facts = ServiceFacts.from_json({name: value for name, value in service.items() if name != "type"})
        link = _link(*links) if links else ("", "", "")
        _require_keepable(found, facts)
    except (AttributeError, KeyError, TypeError, RecursionError, ValueError) as error:
        raise ValueError(f"authorization_details: {type(error).__name__}") from None
    if len(found) != 1 + len(links):
        raise ValueError("unknown authorization_details")
    if facts.side != peer:
        raise ValueError("authorization_details name a service of another side")
    return Details(facts, *link)


def _require_keepable(found: object, facts: ServiceFacts) -> None:
    """Raise ``ValueError`` for what no table keeps: NUL, half a surrogate pair, a service without an id."""
    if b"\\u0000" in json.dumps(found, ensure_ascii=False).encode() or not facts.id:
        raise ValueError("nothing that can be kept")


def _link(value: dict[str, Any]) -> tuple[str, str, str]:
    if set(value) != {"type", "link", "subject", "document"}:
        raise ValueError("unknown facts of a link")
    key, subject, document = value["link"], value["subject"], value["document"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _SUBJECT or document not in _KINDS:
        raise ValueError("unusable facts of a link")
    return str(uuid.UUID(key)), subject, document
