"""How a validation looks to a program."""

from __future__ import annotations

import json
from datetime import date, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpResponse

from kouan.apps.validation import queries

if TYPE_CHECKING:
    from kouan.apps.validation.models import Validation


def as_json(answer: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    """Answer with what was made here: holding it against its own schema first would cost as much again."""
    return HttpResponse(
        json.dumps(answer, default=_plain),
        status=status,
        content_type="application/json; charset=utf-8",
    )


def _plain(value: object) -> str:
    """Return the text of a value that JSON has no form for: as the framework writes it."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds").replace(
            "+00:00", "Z"
        )
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def validation_out(item: Validation) -> dict[str, Any]:
    """Return a validation as ``ValidationOut`` has it."""
    progress = queries.progress(item)
    name = item.issuer_name
    return {
        "id": item.pk,
        "state": "waiting" if progress.open else "failed" if progress.failure else "answered",
        "reference": item.reference,
        "algorithm": item.algorithm,
        "digest": item.digest.hex(),
        "issuing_side": item.issuing_side,
        "crossed": not item.local,
        "asked_at": item.asked_at,
        "received_at": progress.received_at,
        "answered_at": item.answered_at,
        "decided_at": item.decided_at,
        "outcome": item.outcome or None,
        "issuer": name
        and {
            "code": item.issuer_code,
            "name": {"en": name.en, "zh_hant": name.zh_hant, "zh_hans": name.zh_hans},
        },
        "document_type": item.document_type or None,
        "issued_on": item.issued_on,
        "expires_on": item.expires_on,
        "revoked_on": item.revoked_on,
        "failure": progress.failure or None,
        "evidence": f"/validations/{item.pk}/evidence" if item.answered_at and not item.local else None,
    }
