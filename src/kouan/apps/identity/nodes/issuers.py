"""Asking the issuer of this side's documents whether two documents are one person's.

One adapter speaks JSON over HTTPS to the issuer that ``[issuer]`` in ``node.toml`` names. It is asked with
the number of its own document and the other side's commitment; it opens its own register, computes the
commitment of what stands there, and says yes or no. So no side learns the number of the other's document.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal, Protocol, cast

from django.conf import settings

from kouan.apps.identity.nodes.errors import IssuerUnavailable
from kouan.apps.identity.provider.jose import encoded
from kouan.core.exchange import posting

if TYPE_CHECKING:
    from kouan.sections import IssuerSettings

Outcome = Literal["match", "no-match", "not-held"]
OUTCOMES: Final = frozenset({"match", "no-match", "not-held"})


@dataclass(frozen=True, slots=True)
class Question:
    """What an issuer is asked. ``number`` is of its own document and in no log."""

    documents: str
    """Which two documents, such as ``hkid home-return-permit``; the second is the issuer's own."""
    number: str
    salt: bytes
    digest: bytes

    def __repr__(self) -> str:
        return f"<Question {self.documents}>"


class Issuer(Protocol):
    """Whoever can say whether two documents are one person's."""

    def ask(self, question: Question) -> Outcome:
        """Return the issuer's word; raises ``IssuerUnavailable``."""


@dataclass(frozen=True, slots=True)
class JsonIssuer:
    """An issuer that answers ``POST`` with ``{"outcome": "match" | "no-match" | "not-held"}``."""

    settings: IssuerSettings

    def ask(self, question: Question) -> Outcome:
        """Return the issuer's word; raises ``IssuerUnavailable``."""
        body = {
            "documents": question.documents,
            "number": question.number,
            "salt": encoded(question.salt),
            "digest": encoded(question.digest),
        }
        headers = {
            "Authorization": f"Bearer {self.settings.token}",
            "Content-Type": "application/json",
            "User-Agent": "kouan",
        }
        answer = posting.post(self.settings.url, json.dumps(body).encode(), headers, ca=self.settings.ca)
        if answer.status != HTTPStatus.OK:
            raise IssuerUnavailable
        try:
            outcome = json.loads(answer.body)["outcome"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise IssuerUnavailable from None
        if outcome not in OUTCOMES:
            raise IssuerUnavailable
        return cast("Outcome", outcome)


def configured() -> Issuer:
    """Return the issuer of this side's documents; raises ``IssuerUnavailable`` where none is configured."""
    found = settings.NODE.issuer
    if found is None:
        raise IssuerUnavailable
    return JsonIssuer(found)
