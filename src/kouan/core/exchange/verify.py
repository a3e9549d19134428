"""Checking an evidence bundle with no network, no database and no settings.

Every check names the part it looked at, so a bundle in which a single bit was changed is not only
refused: the report says where.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as _noop

from kouan.core import cbor
from kouan.core.errors import KouanError
from kouan.core.exchange import bundle, reported, stamp, wire
from kouan.core.exchange.report import (
    Check,
    DifferentFromContents,
    Disagrees,
    MessageFacts,
    PartMissing,
    Report,
)
from kouan.core.exchange.times import RECEIPT_BORNE, from_milliseconds
from kouan.core.ledger.checkpoint import LedgerProof
from kouan.core.ledger.errors import ProofError
from kouan.core.ledger.merkle import leaf_hash, split_hashes, verify_inclusion
from kouan.core.ledger.notes import SignatureType, VerifierKey
from kouan.core.policy.agreements import lets_through, of_contract
from kouan.core.trust import cose
from kouan.core.trust.member import MemberKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

__all__ = ["Check", "MessageFacts", "Report", "verify_bundle"]
T = TypeVar("T")
MAX_BODY: Final = 2 << 20
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


def verify_bundle(  # noqa: PLR0913 - what the reader knows from elsewhere, by name
    data: bytes,
    *,
    trusted: Mapping[str, str] | None = None,
    witnesses: Mapping[str, str] | None = None,
    authorities: Collection[str] = (),
    quorum: int = 1,
    newer: Iterable[MemberKeys] = (),
) -> Report:
    """Check a whole bundle; never raises for what ``data`` holds.

    ``trusted`` maps sides to the fingerprints that the reader knows from elsewhere, ``witnesses`` names
    of further witnesses to their verifier keys; ``authorities`` are the SHA-256 fingerprints of the root
    certificates that are trusted for the time. Without them the report proves only that the parts agree
    with the keys inside, which it lists. ``quorum`` is how many witnesses must have co-signed; the other
    side of the message is always one of them. ``newer`` are the sides' present keys: what they report
    compromised counts, although the bundle was made before anybody knew.
    """
    return _Verification(data, trusted or {}, witnesses or {}, frozenset(authorities), quorum, newer).run()


class _Verification:
    def __init__(  # noqa: PLR0913, PLR0917 - as above
        self,
        data: bytes,
        trusted: Mapping[str, str],
        witnesses: Mapping[str, str],
        authorities: frozenset[str],
        quorum: int,
        newer: Iterable[MemberKeys],
    ) -> None:
        self._data = data
        self._trusted = trusted
        self._trusted_witnesses = witnesses
        self._authorities = authorities
        self._quorum = quorum
        self._report = Report()
        self._parts: Mapping[str, bytes] = {}
        self._members: dict[str, MemberKeys] = {}
        self._witnesses: list[VerifierKey] = []
        self._reports = {member.side: member.revoked.values() for member in newer}

    def run(self) -> Report:
        try:
            opened = bundle.Bundle.decode(self._data)
        except KouanError as error:
            self._report.checks.append(Check("frame", _noop("the bundle can be taken apart"), str(error)))
            return self._report
        self._parts = opened.parts
        steps: dict[str, tuple[str, Callable[[str, str], None]]] = {
            "trust": (_noop("the trust document is whole and signed by its anchor"), self._take_trust),
            "agreement": (_noop("the agreement can be read"), self._take_agreement),
            "declaration": (_noop("the declaration can be read"), self._take_declaration),
            "witness": (_noop("the witness's key can be read"), self._take_witness),
        }
        for name in sorted(self._parts):
            kind, _slash, rest = name.partition("/")
            if kind in steps:
                self._check(name, *steps[kind], rest)
        for side in sorted(set(self._trusted) - set(self._members)):
            self._check(
                f"trust/{side}", _noop("the trust document is whole and signed by its anchor"), self._part
            )
        self._contents(opened.contents)
        numbers: set[str] = set()
        for name in sorted(self._parts):
            kind, _slash, rest = name.partition("/")
            if rest in bundle.MESSAGE_PARTS and _NUMBER.fullmatch(kind):
                numbers.add(kind)
            elif kind not in steps:
                self._report.checks.append(
                    Check(name[:40], _noop("the part is known"), str(_("no such part belongs here")))
                )
        for number in sorted(numbers, key=lambda text: (len(text), text)):
            self._message(number)
        return self._report

    def _check(self, part: str, what: str, step: Callable[..., object], *arguments: Any) -> bool:
        """Run one step and note how it went; whatever a part holds, only ``KouanError`` comes out of it."""
        try:
            said = step(part, *arguments)
        except KouanError as error:
            altered = isinstance(error, DifferentFromContents)
            self._report.checks.append(Check(part, what, str(error), altered=altered))
            return False
        self._report.checks.append(Check(part, what, remark=said if isinstance(said, str) else ""))
        return True

    def _part(self, name: str) -> bytes:
        try:
            return self._parts[name]
        except KeyError:
            raise PartMissing from None

    def _member(self, side: str) -> MemberKeys:
        try:
            return self._members[side]
        except KeyError:
            raise Disagrees(
                detail=str(_("no sound trust document of %(side)s is in the bundle")) % {"side": side[:16]}
            ) from None

    def _take_trust(self, part: str, side: str) -> None:
        member = MemberKeys.from_bytes(self._part(part), also_revoked=self._reports.get(side, ()))
        if member.side != side:
            raise Disagrees(detail=str(_("the trust document is of %(side)s")) % {"side": member.side})
        known = self._trusted.get(side)
        if known is not None and known != member.fingerprint:
            raise Disagrees(
                detail=str(_("its fingerprint %(fingerprint)s is not the one you trust"))
                % {"fingerprint": member.fingerprint}
            )
        self._members[side] = member
        self._report.fingerprints[side] = member.fingerprint

    def _take_witness(self, part: str, name: str) -> None:
        data = self._part(part)
        if not data.isascii():
            raise Disagrees(detail=str(_("the key is not text")))
        key = VerifierKey.parse(data.decode("ascii"))
        if key.name != name or key.type is not SignatureType.COSIGNATURE_V1:
            raise Disagrees(detail=str(_("it is not a key of that witness")))
        known = self._trusted_witnesses.get(name)
        if known is not None and known != str(key):
            raise Disagrees(detail=str(_("it is not the key that you trust")))
        self._witnesses.append(key)
        self._report.witnesses[name] = str(key)

    def _take_declaration(self, part: str, _name: str) -> None:
        match cbor.decode(self._part(part), max_bytes=MAX_BODY, max_depth=3):
            case {"type": str() as type_, "tv": int() as version, **more} if set(more) == bundle.DECLARED:
                self._report.declarations[type_, version] = {str(name): each for name, each in more.items()}
            case _:
                raise Disagrees(detail=str(_("the declaration is not one")))

    def _take_agreement(self, part: str, _id: str) -> None:
        data = self._part(part)
        value = of_contract(data[:MAX_BODY]) if data[:1] == b"{" else cbor.decode(data, max_bytes=MAX_BODY)
        if not isinstance(value, dict):
            raise Disagrees(detail=str(_("the agreement is not a map")))
        self._report.agreements[wire.digest(data)] = value  # type: ignore[assignment]

    def _contents(self, data: bytes) -> None:
        digests: dict[str, bytes] | None = None

        def read(_: str) -> str:
            unverified = cose.read1(
                data, content_type=bundle.CONTENTS_TYPE, max_bytes=bundle.MAX_CONTENTS + cose.OVERHEAD
            )
            side, made, listed = bundle.decode_contents(unverified.payload)
            nonlocal digests
            digests = listed
            self._report.made_by, self._report.made_at = side, from_milliseconds(made)
            report = reported.verify_despite(unverified, self._member(side), made)
            # The table only tells what was altered since; each message proves itself by its own parts.
            return reported.told(report) if report is not None else ""

        self._check(
            "contents", _noop("the table of contents is signed by the side that made the bundle"), read
        )
        if digests is None:
            return
        what = _noop("every part is as it was when the bundle was made")
        before = len(self._report.checks)
        for name in sorted(set(digests) | set(self._parts)):
            self._check(name, what, self._compare, digests)
        # One line says that all is well; only what was altered is worth a line of its own.
        altered = [check for check in self._report.checks[before:] if not check.holds]
        self._report.checks[before:] = altered or [Check("contents", what)]

    def _compare(self, part: str, digests: Mapping[str, bytes]) -> None:
        if part not in digests:
            raise Disagrees(
                detail=str(_("the part is not in the table of contents: it was added or renamed"))
            )
        if wire.digest(self._part(part)) != digests[part]:
            raise DifferentFromContents

    def _message(self, number: str) -> None:
        facts = MessageFacts(int(number))
        self._report.messages.append(facts)
        steps: list[tuple[str, str, Callable[[str, str, MessageFacts], None]]] = [
            ("header", _noop("the header can be read"), self._header),
            ("statement", _noop("the sender signed the batch"), self._statement),
            ("path", _noop("the message is in the batch that the sender signed"), self._path),
            ("receipt", _noop("the receiver signed for the batch"), self._receipt),
            ("body", _noop("the content is the one that the header promises"), self._body),
            ("header", _noop("the agreement it relies on is in the bundle"), self._basis),
            ("entry", _noop("the ledger's entry is about this message"), self._entry),
            ("ledger", _noop("the entry is in a ledger that the other side co-signed"), self._ledger),
        ]
        if f"{number}/stamp" in self._parts:
            steps.append(
                ("stamp", _noop("a time-stamping authority stamped that ledger with the time"), self._stamp)
            )
        for name, what, step in steps:
            self._check(f"{number}/{name}", self._said(what, name, number, facts), step, number, facts)
        for name, report in (("statement", facts.statement_report), ("receipt", facts.receipt_report)):
            if report is not None:
                what, by = _noop("it was there before its key was compromised"), self._report.made_by
                self._check(f"{number}/{name}", what, reported.require_before, facts, report, by)

    def _said(self, what: str, name: str, number: str, facts: MessageFacts) -> str:
        """Return what a check looks for; of a refused message its maker may have kept less."""
        if name == "body" and f"{number}/body" not in self._parts:
            if f"{number}/erased" in self._parts:
                return _noop("the content was erased by the bundle's maker; the header has its fingerprint")
            if f"{number}/withheld" in self._parts:
                return _noop("the content was left out of this bundle; the header has its fingerprint")
            if self._refused(facts):
                return _noop("the content was not kept, since the message was refused")
        if self._refused(facts) and what.startswith("the agreement") and not self._has_agreement(facts):
            return _noop("the agreement was not held here, and the message was refused")
        return what

    @staticmethod
    def _refused(facts: MessageFacts) -> bool:
        """Whether the receiver's own signature says that it refused the message at its door."""
        return facts.receipt is not None and not facts.accepted

    def _has_agreement(self, facts: MessageFacts) -> bool:
        return facts.header is not None and facts.header.agreement_digest in self._report.agreements

    def _header(self, part: str, _number: str, facts: MessageFacts) -> None:
        facts.header = wire.Header.decode(self._part(part))

    def _body(self, part: str, _number: str, facts: MessageFacts) -> None:
        left_out = any(f"{part[:-4]}{why}" in self._parts for why in ("erased", "withheld"))
        if part not in self._parts and (self._refused(facts) or left_out):
            return
        body = self._part(part)
        header = _needed(facts.header)
        if wire.digest(body) != header.body:
            raise Disagrees(detail=str(_("its fingerprint is not the one in the header")))
        payload = wire.decode_body(body, max_bytes=MAX_BODY)
        facts.payload = cbor.decode(payload, max_bytes=MAX_BODY)

    def _basis(self, _part: str, _number: str, facts: MessageFacts) -> None:
        header = _needed(facts.header)
        if self._refused(facts) and not self._has_agreement(facts):
            return
        agreement = self._report.agreements.get(header.agreement_digest)
        if agreement is None or agreement.get("id") != header.agreement:
            raise Disagrees(
                detail=str(_("agreement %(agreement)s with the digest in the header is missing"))
                % {"agreement": header.agreement[:80]}
            )
        let = lets_through(
            agreement, clause=header.clause, type_=header.type, sender=header.sender, receiver=header.receiver
        )
        said = {
            "other-type": _("clause %(clause)s of the agreement does not allow this type of message"),
            "other-sides": _("clause %(clause)s of the agreement lets nothing go this way"),
        }.get(let)
        if said is not None and not (let == "other-sides" and self._refused(facts)):
            raise Disagrees(detail=str(said) % {"clause": header.clause[:40]})

    def _statement(self, part: str, _number: str, facts: MessageFacts) -> None:
        signed = cose.read1(
            self._part(part), content_type=wire.BATCH_TYPE, max_bytes=wire.MAX_STATEMENT + cose.OVERHEAD
        )
        statement = wire.Statement.decode(signed.payload)
        member = self._member(statement.sender)
        facts.statement_report = reported.verify_despite(signed, member, statement.sealed_at)
        facts.statement = statement

    def _path(self, part: str, number: str, facts: MessageFacts) -> None:
        header, statement = _needed(facts.header), _needed(facts.statement)
        if (header.sender, header.receiver) != (statement.sender, statement.receiver):
            raise Disagrees(detail=str(_("header and batch name different sides")))
        path = self._part(part)
        if len(path) % bundle.HASH:
            raise ProofError(detail="the path is not a whole number of hashes")
        leaf = leaf_hash(wire.leaf(self._part(f"{number}/header"), self._part(f"{number}/sealed")))
        position = header.sequence - statement.first
        verify_inclusion(leaf, position, statement.count, split_hashes(path), statement.root)

    def _receipt(self, part: str, number: str, facts: MessageFacts) -> None:
        header, statement = _needed(facts.header), _needed(facts.statement)
        signed = cose.read1(
            self._part(part), content_type=wire.RECEIPT_TYPE, max_bytes=wire.MAX_RECEIPT + cose.OVERHEAD
        )
        receipt = wire.Receipt.decode(signed.payload)
        member = self._member(receipt.sender)
        facts.receipt_report = reported.verify_despite(signed, member, receipt.accepted_at)
        if (receipt.sender, receipt.receiver) != (header.receiver, header.sender):
            raise Disagrees(detail=str(_("the receipt is between other sides")))
        if (
            receipt.statement != wire.digest(self._part(f"{number}/statement"))
            or receipt.root != statement.root
        ):
            raise Disagrees(detail=str(_("the receipt is for another batch")))
        if from_milliseconds(receipt.accepted_at) < from_milliseconds(statement.sealed_at) - RECEIPT_BORNE:
            raise Disagrees(detail=str(_("the receipt is older than the batch")))
        position = header.sequence - statement.first
        if len(receipt.statuses) != statement.count or not 0 <= position < statement.count:
            raise Disagrees(detail=str(_("the receipt does not speak of this message")))
        code = receipt.statuses[position]
        facts.receipt, facts.accepted, facts.code = receipt, code is None, code or ""

    def _entry(self, part: str, number: str, _facts: MessageFacts) -> None:
        _salt, record = self._record(part)
        if record != wire.leaf(self._part(f"{number}/header"), self._part(f"{number}/sealed")):
            raise Disagrees(detail=str(_("the record is of another message")))

    def _record(self, part: str) -> tuple[bytes, bytes]:
        match cbor.decode(self._part(part), max_bytes=MAX_BODY, max_depth=2):
            case [bytes() as salt, bytes() as record]:
                return salt, record
            case _:
                raise Disagrees(detail=str(_("salt or record is missing: the entry was erased")))

    def _ledger(self, part: str, number: str, facts: MessageFacts) -> None:
        header = _needed(facts.header)
        proof = LedgerProof.parse(self._part(part))
        salt, record = self._record(f"{number}/entry")
        # The maker shows its own ledger, and who co-signed that must be the other side of the message:
        # a ledger and a witness that somebody brought along prove nothing.
        sides = {header.sender, header.receiver}
        if self._report.made_by not in sides:
            raise Disagrees(detail=str(_("the ledger is of a side that had no part in the message")))
        keeper = self._member(self._report.made_by)
        facts.entry, facts.cosigned = reported.check_ledger(
            proof,
            salt=salt,
            record=record,
            keeper=keeper,
            other=self._member((sides - {keeper.side}).pop()),
            sides=self._members.values(),
            witnesses=self._witnesses,
            quorum=self._quorum,
        )

    def _stamp(self, part: str, number: str, facts: MessageFacts) -> None:
        # What was stamped is the checkpoint as its log alone signed it, before anybody co-signed.
        note = bundle.stamped_note(LedgerProof.parse(self._part(f"{number}/ledger")).note)
        _needed(facts.entry)
        token, chain = bundle.decode_stamp(self._part(part))
        found = stamp.verify(token, digest=wire.digest(note), roots=chain[-1:])
        if self._authorities and found.root_fingerprint not in self._authorities:
            raise Disagrees(
                detail=str(_("its fingerprint %(fingerprint)s is not the one you trust"))
                % {"fingerprint": found.root_fingerprint}
            )
        if list(found.chain) != chain:
            raise Disagrees(detail=str(_("its certificates are others than those that were kept")))
        facts.stamp = found
        self._report.authorities[found.root_fingerprint] = found.authority


def _needed(value: T | None) -> T:
    if value is None:
        raise Disagrees(detail=str(_("it cannot be checked, since a part before it is not sound")))
    return value
