"""Evidence that comes with a case: checked when it comes and again later; what was found is kept beside it.

Bad evidence refuses no application: an officer sees it in red and asks for other evidence, or decides
without. Only what cannot be read, was made for another matter, or is of a type that its own side says proves
something else, is refused: no honest node sends it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from kouan.apps.services import sealing
from kouan.apps.services.cases import versions
from kouan.apps.services.cases.errors import EvidenceOfAnotherType, EvidenceUnusable
from kouan.apps.services.models import Case, CaseEvidence
from kouan.core.credentials import Verdict, asked_for, broker
from kouan.core.text import Localised

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kouan.apps.services.definition.model import Definition, Need
    from kouan.apps.services.payloads import Evidence
    from kouan.core.credentials import Checked

_REFUSED: Final = frozenset({Verdict.MALFORMED, Verdict.BAD_BINDING})


@dataclass(frozen=True, slots=True)
class Shown:
    """A piece of evidence as an officer sees it."""

    requirement: str
    type: str
    verdict: Verdict
    issuer: str
    claims: tuple[tuple[Localised | str, str], ...]
    issued_at: datetime | None
    expires_at: datetime | None
    level: int
    remarks: tuple[str, ...]
    """What is wrong with it although it counts: ``level``, ``age``, or ``lacks CLAIM``."""
    checked_at: datetime
    replaced_at: datetime | None
    """When the applicant showed something else in its place."""
    title: Localised | None = None
    department: Localised | None = None
    titles: Mapping[str, Localised] = field(default_factory=dict)
    """What its claims are called, those too that are not shown."""

    @property
    def good(self) -> bool:
        """Whether it counts and nothing is to be said of it."""
        return self.verdict is Verdict.GOOD and not self.remarks


def check(
    *, key: str, evidence: Sequence[Evidence], sender: str, acts_for: str, now: datetime
) -> list[Checked]:
    """Check what was presented, one by one; raises ``EvidenceUnusable`` or ``EvidenceOfAnotherType``.

    A type of which its side has not told yet proves nothing here, and refuses nothing: the word of it may
    come later than the evidence.
    """
    found = []
    for each in evidence:
        requirement = asked_for(each.requirement, acts_for=acts_for)
        checked = broker().check(each.text, sender=sender, matter=key, now=now, requirement=requirement)
        if checked.verdict in _REFUSED:
            raise EvidenceUnusable(requirement=each.requirement, verdict=checked.verdict.value)
        if checked.verdict is Verdict.NOT_ASKED and checked.announced:
            raise EvidenceOfAnotherType(requirement=each.requirement, type=checked.type)
        found.append(checked)
    return found


def keep(
    *, case: Case, definition: Definition, evidence: Sequence[Evidence], checked: Sequence[Checked]
) -> None:
    """Keep presentations and what checks of them found; a new one takes the place of the old, which stays."""
    now = timezone.now()
    needs = {need.requirement: need for need in definition.needs}
    for each, found in zip(evidence, checked, strict=True):
        old = CaseEvidence.objects.filter(case=case, requirement=each.requirement, replaced_at=None)
        old.update(replaced_at=now)
        CaseEvidence.objects.create(
            case=case,
            requirement=each.requirement,
            type=found.type or each.type,
            text=sealing.seal(each.text.encode(), of=f"case {case.key} presentation"),
            verdict=found.verdict.value,
            found=sealing.seal_json(_found(found, needs[each.requirement], now), of=_of(case)),
            checked_at=now,
        )


def look_again(case: Case) -> list[str]:
    """Check a case's evidence once more, and return the requirements of which something else was found.

    What has expired meanwhile counted when it was last found good, and still does, also if its side was
    silent before its end; what was revoked or suspended does not.
    """
    now, found = timezone.now(), []
    definition = versions.of_case(case)
    needs = {need.requirement: need for need in definition.needs}
    with transaction.atomic():
        Case.objects.select_for_update().get(pk=case.pk)
        for row in case.evidence.filter(replaced_at=None).order_by("pk"):
            text = sealing.unseal(row.text, of=f"case {case.key} presentation").decode()
            requirement = asked_for(row.requirement, acts_for=case.acts_for)
            checked = broker().check(
                text, sender=case.home, matter=str(case.key), now=now, requirement=requirement
            )
            verdict, before = checked.verdict, sealing.unseal_json(row.found, of=_of(case)) or {}
            good: dict[str, Any] = before if row.verdict == Verdict.GOOD else before.get("good", {})
            if verdict is Verdict.EXPIRED and good:
                verdict = Verdict.GOOD
            if verdict == row.verdict:
                continue
            said = good if verdict is not checked.verdict else _found(checked, needs[row.requirement], now)
            if good and verdict not in {Verdict.GOOD, Verdict.REVOKED}:
                said = said | {"good": good}
            row.verdict, row.checked_at = verdict.value, now
            row.found = sealing.seal_json(said, of=_of(case))
            row.save(update_fields=["verdict", "checked_at", "found"])
            found.append(row.requirement)
        if found:
            Case.objects.filter(pk=case.pk).update(changed=F("changed") + 1)
            case.changed += 1
    return found


def shown(case: Case) -> list[Shown]:
    """Return the evidence of a case, in the order in which it came, with what was replaced."""
    return [_shown(case, row) for row in case.evidence.order_by("pk")]


def _of(case: Case) -> str:
    return f"case {case.key} found"


def _found(checked: Checked, need: Need, now: datetime) -> dict[str, Any]:
    remarks = []
    if checked.verdict is Verdict.GOOD:
        if checked.level < need.level:
            remarks.append("level")
        if need.max_age_days and (
            checked.issued_at is None or checked.issued_at < now - timedelta(days=need.max_age_days)
        ):
            remarks.append("age")
        remarks += [
            f"lacks {name}"
            for name in need.claims
            if name not in need.optional and name not in checked.claims
        ]
    return {
        "issuer": checked.issuer,
        "claims": dict(checked.claims),
        "order": list(checked.claims),  # which canonical JSON does not keep
        "titles": {name: title.as_mapping() for name, title in checked.titles.items()},
        "title": checked.title.as_mapping() if checked.title else None,
        "department": checked.department.as_mapping() if checked.department else None,
        "issued_at": _written(checked.issued_at),
        "expires_at": _written(checked.expires_at),
        "level": checked.level,
        "remarks": remarks,
    }


def _shown(case: Case, row: CaseEvidence) -> Shown:
    found = sealing.unseal_json(row.found, of=_of(case)) or {}
    titles = {
        name: Localised.from_mapping(title, where=name) for name, title in found.get("titles", {}).items()
    }
    claims = found.get("claims", {})
    order = [name for name in found.get("order", claims) if name in claims]
    return Shown(
        requirement=row.requirement,
        type=row.type,
        verdict=Verdict(row.verdict),
        issuer=found.get("issuer", ""),
        claims=tuple((titles.get(name, name), claims[name]) for name in order),
        issued_at=_read(found.get("issued_at", "")),
        expires_at=_read(found.get("expires_at", "")),
        level=found.get("level", 0),
        remarks=tuple(found.get("remarks", ())),
        checked_at=row.checked_at,
        replaced_at=row.replaced_at,
        title=_name(found, "title"),
        department=_name(found, "department"),
        titles=titles,
    )


def _name(found: Mapping[str, Any], of: str) -> Localised | None:
    return Localised.from_mapping(found[of], where=of) if found.get(of) else None


def _written(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()


def _read(at: str) -> datetime | None:
    return datetime.fromisoformat(at) if at else None
