"""A contract on paper: as its officers signed it, and the pack that goes with a filing.

What binds is the canonical text and the two signed statements; the PDF is how people read it (``printing``),
and carries the officers' signatures for whoever has nothing but a PDF reader (``seals``).
"""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import translation

from kouan.apps.dataflow.domain import read_terms
from kouan.apps.dataflow.models import SignedPaper
from kouan.apps.dataflow.printing import rendered
from kouan.apps.dataflow.queries.contracts import shown, signatures
from kouan.core.errors import KouanError
from kouan.core.exchange.evidence import evidence_bundle
from kouan.core.sides import side_name
from kouan.core.text import LANGUAGES
from kouan.core.trust.queries import authorities

if TYPE_CHECKING:
    from kouan.apps.dataflow.models import Contract
    from kouan.apps.dataflow.queries.contracts import Shown


def paper(row: Contract) -> bytes:
    """Return a version of a contract as PDF: as its officers signed it, or without signatures yet."""
    kept = SignedPaper.objects.filter(contract=row).first()
    return rendered(read_terms(bytes(row.terms))) if kept is None else bytes(kept.data)


def pack(row: Contract) -> bytes:
    """Return the ZIP that goes with a filing: contract, statements, receipts, and what is wanted."""
    seen = shown(row)
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("contract.pdf", paper(row))
        archive.writestr("contract.json", bytes(row.terms))
        own, peer = settings.NODE.side, row.peer
        for side, statement in ((own, row.signed_here), (peer, row.signed_there)):
            if statement is not None:
                archive.writestr(f"signature-{side}.cose", bytes(statement))
            archive.writestr(f"ca-{side}.pem", authorities(side))
        archive.writestr("documents.txt", _documents(seen))
        archive.writestr("pack.json", json.dumps(_facts(seen), ensure_ascii=False, indent=2))
        if row.message_id is not None:
            # Without it while the other side's receipt or co-signature is still to come.
            with contextlib.suppress(KouanError):
                archive.writestr("evidence.bundle", evidence_bundle([row.message_id]))
    return output.getvalue()


def _documents(seen: Shown) -> str:
    """Return which documents each authority wants, in the three scripts."""
    lines = []
    for language in LANGUAGES:
        with translation.override(language):
            for filing in shown(seen.row).filings:
                lines.append(f"{side_name(filing.side)}: {filing.authority}")
                lines += [f"  - {document.title}" for document in filing.documents]
            lines.append("")
    return "\n".join(lines)


def _facts(seen: Shown) -> dict[str, Any]:
    return {
        "contract": seen.terms.contract,
        "version": seen.terms.version,
        "digest": seen.key,
        "signatures": [
            {
                "side": each.side,
                "officer": each.officer,
                "at": each.at and each.at.isoformat(),
                "holds": each.holds,
            }
            for each in signatures(seen.row)
        ],
        "filings": [
            {
                "side": each.side,
                "due_on": each.due_on.isoformat(),
                "filed_on": each.filed_on and each.filed_on.isoformat(),
                "reference": each.reference,
                "documents": [document.id for document in each.documents],
            }
            for each in seen.filings
        ],
    }
