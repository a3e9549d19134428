"""Whether an application fits the version of the service that it is for; reads no table and writes none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import rfc8785

from kouan.apps.services import receipts
from kouan.apps.services.cases import errors
from kouan.apps.services.definition import form as forms
from kouan.apps.services.definition.answers import files
from kouan.apps.services.payloads import FILE_KIND, ApplicantActed
from kouan.core.trust.receipts import BadReceipt

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from kouan.apps.services.definition.model import Definition
    from kouan.apps.services.models import Case
    from kouan.apps.services.payloads import (
        ApplicantActed1,
        ApplicationSubmitted,
        Attachment,
        Cosigner,
        Evidence,
    )
    from kouan.core.credentials import Checked

REPRESENTATION: Final = "representation"
"""The requirement that somebody may act for another."""
_IN_ANSWERS: Final = "answers."
_IN_NEEDS: Final = "needs."
_DEEPEST: Final = 32


def read_answers(data: bytes) -> dict[str, Any]:
    """Return answers as they came; raises ``NotAnswers`` for anything but canonical JSON (RFC 8785)."""
    try:
        value = json.loads(data)
        if isinstance(value, dict) and rfc8785.dumps(value) == data and _depth(value) <= _DEEPEST:
            return value
    except (ValueError, RecursionError, rfc8785.CanonicalizationError):
        pass
    raise errors.NotAnswers


def _depth(value: Any, depth: int = 1) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max((_depth(each, depth + 1) for each in inner), default=depth)


def check_answers(definition: Definition, answers: Mapping[str, Any]) -> None:
    """Hold answers against the form; raises ``AnswersDoNotFit`` for the first that does not."""
    for wrong in forms.wrong(definition.form, answers):
        raise errors.AnswersDoNotFit(path=wrong.path, what=wrong.message)


def check_applicant(definition: Definition, said: ApplicationSubmitted, *, home: str) -> None:
    """Hold who applies against whom it is for.

    Raises ``HomeNotServed``, ``LevelTooLow``, ``NotActingFor`` or ``CosignersOutOfBounds``.
    """
    if home not in definition.homes:
        raise errors.HomeNotServed(side=home)
    if min([said.level, *(each.level for each in said.cosigners)]) < definition.level:
        raise errors.LevelTooLow(needed=definition.level)
    if said.acts_for not in definition.acts_for:
        raise errors.NotActingFor
    _check_cosigners(definition, said.subject, said.cosigners)


def check_level(definition: Definition, said: ApplicantActed1) -> None:
    """Hold the sign-in in which something was done against the service's; raises ``LevelTooLow``.

    Version 1 of the message does not tell it. What only closes a case that is over may be done in any.
    """
    if (
        isinstance(said, ApplicantActed)
        and said.action != "withdraw-consent"
        and said.level < definition.level
    ):
        raise errors.LevelTooLow(needed=definition.level)


def _check_cosigners(definition: Definition, applicant: str, cosigners: Sequence[Cosigner]) -> None:
    bounds = definition.cosigners
    subjects = {each.subject for each in cosigners}
    if (
        not bounds.least <= len(cosigners) <= bounds.most
        or len(subjects) < len(cosigners)
        or applicant in subjects
    ):
        raise errors.CosignersOutOfBounds(least=bounds.least, most=bounds.most)


def check_kinds(
    definition: Definition,
    answers: Mapping[str, Any],
    said: ApplicationSubmitted | ApplicantActed1,
    checked: Sequence[Checked],
) -> None:
    """Hold the kinds of data that were declared, and consented to, against those that are there.

    Answers and files show theirs, the claims of evidence those that their side has told. Beside evidence of
    which it has not, more may be declared, and something must be. Raises ``KindsDiffer``.
    """
    found, declared = set(forms.kinds(definition.form, answers)), set(said.kinds)
    if said.attachments:
        found.add(FILE_KIND)
    found = found.union(*(each.elements for each in checked if each.elements is not None))
    untold = {each.type for each, one in zip(said.evidence, checked, strict=True) if one.elements is None}
    differ = found - declared if untold else found ^ declared
    if untold and not declared:
        differ |= untold
    if differ:
        raise errors.KindsDiffer(kinds=", ".join(sorted(differ)))


def check_proofs(
    definition: Definition,
    *,
    acts_for: str,
    evidence: Sequence[Evidence],
    attachments: Sequence[Attachment],
    complete: bool,
) -> None:
    """Hold what was sent against what is needed; ``complete`` also asks whether all of it is there.

    Raises ``EvidenceNotAsked`` or ``EvidenceMissing``.
    """
    needs = {need.requirement: need for need in definition.needs}
    shown = [each.requirement for each in evidence]
    for requirement in shown:
        if requirement not in needs or shown.count(requirement) > 1:
            raise errors.EvidenceNotAsked(place=_IN_NEEDS + requirement)
    uploaded = set()
    for each in attachments:
        if each.place.startswith(_IN_NEEDS):
            need = needs.get(each.place.removeprefix(_IN_NEEDS))
            if need is None or not need.upload:
                raise errors.EvidenceNotAsked(place=each.place)
            uploaded.add(need.requirement)
    if not complete:
        return
    for need in definition.needs:
        needed = acts_for != "self" if need.requirement == REPRESENTATION else need.needed
        if needed and need.requirement not in {*shown, *uploaded}:
            raise errors.EvidenceMissing(requirement=need.requirement)


def check_files(
    definition: Definition,
    answers: Mapping[str, Any],
    attachments: Sequence[Attachment],
    *,
    known: Collection[str] = (),
) -> None:
    """Hold the files that answers name against those that came, now or before (``known``).

    Raises ``FilesDiffer``.
    """
    named = files(definition.form, answers)
    came = {
        each.place.removeprefix(_IN_ANSWERS): each.file.sha256.hex()
        for each in attachments
        if each.place.startswith(_IN_ANSWERS)
    }
    places = [each.place for each in attachments if each.place.startswith(_IN_ANSWERS)]
    for place in places:
        if places.count(place) > 1:
            raise errors.FilesDiffer(path=place.removeprefix(_IN_ANSWERS))
    for path in sorted(named.keys() | came.keys()):
        if named.get(path) != came.get(path) and (path in came or named[path] not in known):
            raise errors.FilesDiffer(path=path)


def check_consent(
    said: ApplicationSubmitted, *, application: str, sender: str, reference: str | None, at: datetime
) -> None:
    """Hold the applicant's receipt against the application; raises ``ConsentNotHers``."""
    if reference != application:
        raise errors.ConsentNotHers(what="application")
    _hold(
        said.consent,
        Agreed(application, said.service, said.digest, said.subject, frozenset(said.kinds)),
        sender=sender,
        at=at,
    )


def check_more_consent(said: ApplicantActed1, *, case: Case, sender: str, at: datetime) -> None:
    """Hold the receipt of what an applicant adds against it; raises ``ConsentNotHers``."""
    agreed = Agreed(str(case.key), case.service, bytes(case.digest), case.subject, frozenset(said.kinds))
    _hold(said.consent, agreed, sender=sender, at=at)


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a receipt must say."""

    application: str
    service: str
    digest: bytes
    subject: str
    kinds: frozenset[str]


def _hold(data: bytes, agreed: Agreed, *, sender: str, at: datetime) -> None:
    try:
        receipt = receipts.read(data, side=sender, at=at)
    except BadReceipt:
        raise errors.ConsentNotHers(what="signature") from None
    for what, agrees in {
        "application": receipt.get("application") == agreed.application,
        "service": receipt.get("service") == agreed.service,
        "version": receipt.get("digest") == agreed.digest.hex(),
        "person": receipt.get("subject") == agreed.subject,
        "kinds": agreed.kinds <= set(receipt.get("kinds", ())),
    }.items():
        if not agrees:
            raise errors.ConsentNotHers(what=what)
