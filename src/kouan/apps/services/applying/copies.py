"""What an application said when it was sent, and each correction after that: kept sealed, for the applicant.

What departments hold of a person goes on changing, and so do answers that are being corrected: a copy says
what went, and what is being changed is told from what went.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kouan.apps.services.sealing import unseal_json
from kouan.core.text import Localised

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kouan.apps.services.applying.drafts import Draft
    from kouan.apps.services.models import Application, ApplicationFile
    from kouan.core.credentials import Presented


@dataclass(slots=True)
class Sent:
    """All that the department was sent, each part as it was sent last."""

    answers: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, list[tuple[Localised, str]]] = field(default_factory=dict)
    """By requirement: what each claim is called, and what it said."""
    files: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By place: what the file is called, and its SHA-256 in hexadecimal."""


def kept(
    draft: Draft, shown: Mapping[str, Presented], files: Sequence[tuple[str, ApplicationFile]]
) -> dict[str, Any]:
    """Return what the story keeps of what goes now."""
    return {
        "answers": draft.answers,
        "evidence": {
            requirement: [[claim.title.as_mapping(), claim.value] for claim in each.shown.claims]
            for requirement, each in shown.items()
        },
        "files": {place: [file.name, bytes(file.sha256).hex()] for place, file in files},
    }


def sent_of(row: Application) -> Sent | None:
    """Return what was sent and taken; nothing of what was sent before that was kept."""
    lines = list(row.events.filter(ours=True, kind__in=("sent", "corrected", "not-heard")).order_by("pk"))
    refused = {each.message_id for each in lines if each.kind == "not-heard"}
    found = None
    for each in lines:
        told = unseal_json(each.told, of=f"application {row.key} event") or {}
        if each.kind != "not-heard" and each.message_id not in refused and "answers" in told:
            found = found or Sent()
            _add(found, told)
    return found


def _add(sent: Sent, told: Mapping[str, Any]) -> None:
    """Put what was sent later in the place of what it answers anew."""
    sent.answers = told["answers"]
    for requirement in {*told["evidence"], *(place.removeprefix("needs.") for place in told["files"])}:
        sent.evidence.pop(requirement, None)
        sent.files.pop(f"needs.{requirement}", None)
    for requirement, lines in told["evidence"].items():
        sent.evidence[requirement] = [
            (Localised.from_mapping(title, where=requirement), value) for title, value in lines
        ]
    sent.files.update({place: (name, digest) for place, (name, digest) in told["files"].items()})
