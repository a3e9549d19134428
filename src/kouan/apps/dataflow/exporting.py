"""All that this side knows of a person's flows of data, for them to keep: JSON, and a ZIP with the receipts.

It names kinds of data and never what they are: the values are the institutions'.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils import timezone

from kouan.apps.dataflow.queries.mine import my_consents, my_crossings, my_erasures, receipt_of
from kouan.core.errors import KouanError
from kouan.core.exchange.evidence import evidence_bundle

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.apps.dataflow.domain import Party
    from kouan.apps.dataflow.models import ErasureRequest
    from kouan.apps.dataflow.queries.mine import Crossed, MyConsent, Version
    from kouan.web.persons import Person

SCHEMA: Final = "urn:kouan:my-data:1"
MOST_PROOFS: Final = 100
"""Records whose evidence goes into the ZIP, the newest first: each takes a few milliseconds to make."""


def as_json(person: Person) -> dict[str, Any]:
    """Return everything as JSON values."""
    standing, over = my_consents(person)
    return {
        "schema": SCHEMA,
        "made_at": _text(timezone.now()),
        "side": settings.NODE.side,
        "consents": [_consent(each) for each in (*standing, *over)],
        "records": [_record(each) for each in my_crossings(person, most=None)],
        "erasures": [_erasure(each) for each, _ in my_erasures(person)],
    }


def as_zip(person: Person) -> bytes:
    """Return a ZIP: the JSON text, each receipt as it was signed, and the proofs of the newest crossings."""
    standing, over = my_consents(person)
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("my-data.json", written(as_json(person)))
        for each in (*standing, *over):
            archive.writestr(f"receipts/{each.row.key}.cose", bytes(each.row.receipt))
            archive.writestr(f"receipts/{each.row.key}.json", written(receipt_of(each)))
        for erasure, _ in my_erasures(person):
            if erasure.receipt is not None:
                archive.writestr(f"erasures/{erasure.key}.cose", bytes(erasure.receipt))
        for crossed in my_crossings(person, most=MOST_PROOFS):
            try:
                bundle = evidence_bundle(
                    [crossed.record.message_id], sender=settings.NODE.side, personal=False
                )
            except KouanError:
                continue  # it has no receipt yet, or never left
            archive.writestr(f"evidence/{crossed.record.message_id}.bundle", bundle)
    return output.getvalue()


def written(value: object) -> str:
    """Return JSON as a person may read it."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _erasure(row: ErasureRequest) -> dict[str, Any]:
    return {
        "request": str(row.key),
        "consent": str(row.consent.key),
        "asked_at": _text(row.asked_at),
        "due_on": row.due_on.isoformat(),
        "state": row.state,
        "reason": row.reason or None,
        "words": row.words or None,
        "records": row.records,
        "answered_at": None if row.answered_at is None else _text(row.answered_at),
    }


def _consent(consent: MyConsent) -> dict[str, Any]:
    row = consent.row
    return {
        "consent": str(row.key),
        "notice": row.notice,
        "contract": _contract(consent.version),
        "known_there_as": row.subject,
        "elements": row.elements,
        "agreed_one_by_one": row.separate,
        "purposes": row.purposes,
        "level_of_sign_in": row.level,
        "given_at": _text(row.given_at),
        "expires_at": _text(row.expires_at),
        "withdrawn_at": None if row.withdrawn_at is None else _text(row.withdrawn_at),
        "receipt": receipt_of(consent),
    }


def _contract(version: Version) -> dict[str, Any]:
    terms = version.terms
    return {
        "number": terms.contract,
        "version": terms.version,
        "digest": terms.digest().hex(),
        "legal_basis": terms.basis,
        "legal_basis_name": version.basis,
        "onward_transfer_allowed": bool(terms.onward),
        "may_be_handed_on_to": [{"name": each.name, "place": each.place} for each in terms.onward],
        "exporter": _party(terms.exporter),
        "importer": _party(terms.importer),
        "kept_for_days": terms.retention_days,
    }


def _party(party: Party) -> dict[str, Any]:
    return {"name": party.name.model_dump(), "place": party.place, "code": party.code}


def _record(crossed: Crossed) -> dict[str, Any]:
    row = crossed.record
    return {
        "message": str(row.message_id),
        "consent": str(crossed.consent.row.key),
        "contract": str(row.contract),
        "contract_digest": bytes(row.digest).hex(),
        "contract_version": crossed.version.terms.version,
        "legal_basis": crossed.version.terms.basis,
        "legal_basis_name": crossed.version.basis,
        "onward_transfer_allowed": bool(crossed.version.terms.onward),
        "at": _text(row.at),
        "purpose": row.purpose,
        "elements": list(crossed.elements),
        "refused": crossed.refused or None,
        "ledger_index": crossed.ledger_index,
        "ledger_index_there": crossed.peer_ledger_index,
        "read": [{"at": _text(use.at), "reader": use.reader, "purpose": use.purpose} for use in crossed.uses],
        "erase_on": row.erase_on.isoformat(),
        "erased_at": None if row.erased_at is None else _text(row.erased_at),
        "erased_because": row.erased_because or None,
    }


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
