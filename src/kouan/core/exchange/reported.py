"""What a reader of evidence makes of keys that changed, ended or were reported compromised.

A key that ended still proves what it signed in its time. A reported one proves nothing by itself: what
it signed counts if something that its thief could not make shows that it was there before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kouan.core.errors import KouanError
from kouan.core.exchange import twice
from kouan.core.exchange.times import from_milliseconds
from kouan.core.ledger.checkpoint import LedgerProof, open_checkpoint
from kouan.core.ledger.errors import NotCosignedError
from kouan.core.ledger.notes import VerifierKey, origin_in, parse_note
from kouan.core.ledger.offline import verify_proof, witness_findings
from kouan.core.trust.errors import KeyCompromised, KeyNotValid
from kouan.core.trust.keys import KeyUse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from kouan.core.exchange.report import MessageFacts
    from kouan.core.ledger.offline import EntryFinding, WitnessFinding
    from kouan.core.trust import cose
    from kouan.core.trust.document import ListedKey, Revocation
    from kouan.core.trust.member import MemberKeys


class NotBefore(KouanError):
    """Something under a reported key that nothing shows to be older than the exposure."""

    code = "not-before-compromise"
    message = gettext_lazy(
        "its key %(kid)s was reported compromised at %(at)s, since %(since)s, and nothing else in the "
        "bundle shows that it was there before"
    )


def log_keys(member: MemberKeys, *, origin: str = "", at: datetime | None = None) -> list[VerifierKey]:
    """Return the keys that sign a side's checkpoints: at a time, or all that ever did.

    ``origin`` is the ledger's name, if it is a later one than the side's first. It stays when the key
    changes: a C2SP key id is made of the name and the key together.
    """
    return [_for_log(member, key, origin) for key in member.of_use(KeyUse.LOG, at=at)]


def witness_keys(member: MemberKeys, *, at: datetime | None = None) -> list[VerifierKey]:
    """Return the keys with which a side co-signs: at a time, or all that ever did."""
    return [_for_witness(member, key) for key in member.of_use(KeyUse.WITNESS, at=at)]


def check_ledger(  # noqa: PLR0913 - the parts of the evidence, each by its name
    proof: LedgerProof,
    *,
    salt: bytes,
    record: bytes,
    keeper: MemberKeys,
    other: MemberKeys,
    sides: Iterable[MemberKeys],
    witnesses: Sequence[VerifierKey],
    quorum: int,
) -> tuple[EntryFinding, tuple[WitnessFinding, ...]]:
    """Check a record's place in its keeper's ledger, co-signed by the other side and as many as asked.

    Returns the finding and every co-signature that holds. Raises what ``verify_proof`` raises, and
    ``KeyNotValid`` or ``KeyCompromised`` for keys that did not count when the witness says that it was.
    """
    origin = origin_in(proof.note, keeper.log_origin)
    keepers = log_keys(keeper, origin=origin)
    entry = verify_proof(proof, salt=salt, body=record, log_keys=keepers, witness_keys=witness_keys(other))
    _check_times(entry, proof.note, keeper, other, origin)
    everybody = [
        key
        for each in sides
        if each is not keeper
        for key in witness_keys(each)
        if not _is_reported(each, key)
    ]
    opened = open_checkpoint(proof.note.encode(), log_keys=keepers, witness_keys=[*everybody, *witnesses])
    cosigned = witness_findings(opened)
    if (found := len({each.name for each in cosigned})) < quorum:
        raise NotCosignedError(found=found, required=quorum)
    return entry, cosigned


def _is_reported(member: MemberKeys, key: VerifierKey) -> bool:
    return any(
        _for_witness(member, each) == key and each.kid in member.revoked
        for each in member.of_use(KeyUse.WITNESS)
    )


def _check_times(
    entry: EntryFinding, note: str, keeper: MemberKeys, witness: MemberKeys, origin: str
) -> None:
    """Check that log and witness signed with keys that counted at the time that the witness tells.

    A witness whose key was stolen cannot tell the time.
    """
    at = max(each.at for each in entry.witnesses)
    lines = {(line.name, line.key_id) for line in parse_note(note.encode()).signatures}
    _check_one(keeper, [(key, _for_log(keeper, key, origin)) for key in keeper.of_use(KeyUse.LOG)], lines, at)
    twice.check_note(keeper, parse_note(note.encode()), origin=origin, at=at)
    _check_one(
        witness, [(key, _for_witness(witness, key)) for key in witness.of_use(KeyUse.WITNESS)], lines, at
    )


def _check_one(
    member: MemberKeys,
    keys: Sequence[tuple[ListedKey, VerifierKey]],
    lines: set[tuple[str, bytes]],
    at: datetime,
) -> None:
    signed = [key for key, verifier in keys if (verifier.name, verifier.key_id) in lines]
    sound = [key for key in signed if key.kid not in member.revoked]
    if signed and not sound:
        report = member.revoked[signed[0].kid]
        raise KeyCompromised(
            kid=report.kid.hex(), side=member.side, since=report.since.isoformat(), at=report.at.isoformat()
        )
    if not any(key.valid_at(at) for key in sound):
        key = sound[0]
        raise KeyNotValid(
            kid=key.kid.hex(), side=member.side, since=key.since.isoformat(), until=key.until.isoformat()
        )


def verify_despite(signed: cose.Unverified, member: MemberKeys, at: int) -> Revocation | None:
    """Check a signature although its key may have been reported; return the report, if there is one.

    ``at`` is the time that the signed thing gives, in milliseconds since 1970. Of one that is signed twice
    the report of either key counts.
    """
    signed.verify(member.verification_key(signed.kid, from_milliseconds(at), despite_reports=True))
    found = (member.revoked.get(kid) for kid in (signed.kid, *signed.kids))
    return next((report for report in found if report is not None), None)


def require_before(part: str, facts: MessageFacts, report: Revocation, by: str) -> str:
    """Return what to remark on a part under a reported key; raises ``NotBefore`` if it may be forged.

    ``by`` is the side that made the bundle.
    """
    before = shown_before(facts, report, by=by, of_receipt=part.endswith("/receipt"))
    if before is None:
        raise NotBefore(kid=report.kid.hex(), at=report.at.isoformat(), since=report.since.isoformat())
    return f"{told(report)} {before}"


def told(report: Revocation) -> str:
    """Return a sentence that says what was reported."""
    return _("Its key %(kid)s was later reported compromised (at %(at)s, since %(since)s: %(reason)s).") % {
        "kid": report.kid.hex(),
        "at": report.at.isoformat(timespec="minutes"),
        "since": report.since.isoformat(timespec="minutes"),
        "reason": report.reason,
    }


def shown_before(facts: MessageFacts, report: Revocation, *, by: str, of_receipt: bool) -> str | None:
    """Return what shows that a thing was there before its key was compromised; ``None`` if nothing does.

    A batch is shown by the other side's receipt, under a sound key, or by a co-signed checkpoint; a
    receipt only by a co-signed checkpoint of the side that gave it, whose log has the arrival. What the
    side that gave the receipt brings along cannot rest on its own word: it may hold the stolen key itself.
    """
    receipt, entry = facts.receipt, facts.entry
    told_by_other = receipt is not None and receipt.sender != by and facts.receipt_report is None
    if not of_receipt and receipt is not None and told_by_other:
        at = from_milliseconds(receipt.accepted_at)
        if at < report.since:
            return _("It was there before: %(side)s receipted it at %(at)s.") % {
                "side": receipt.sender,
                "at": at.isoformat(timespec="seconds"),
            }
    if entry is not None and (not of_receipt or (receipt is not None and receipt.sender == by)):
        for each in entry.witnesses:
            if each.at < report.since:
                return _("It was there before: %(witness)s co-signed the ledger with it at %(at)s.") % {
                    "witness": each.name,
                    "at": each.at.isoformat(timespec="seconds"),
                }
    return None


def _for_log(member: MemberKeys, key: ListedKey, origin: str = "") -> VerifierKey:
    return VerifierKey.for_log(origin or member.log_origin, cast("Ed25519PublicKey", key.public))


def _for_witness(member: MemberKeys, key: ListedKey) -> VerifierKey:
    return VerifierKey.for_witness(member.witness_name, cast("Ed25519PublicKey", key.public))
