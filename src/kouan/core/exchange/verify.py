"""Checking an evidence bundle with no network, no database and no settings.

Every check names the part it looked at, so a bundle in which a single bit was changed is not only
refused: the report says where.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as _noop

from kouan.core import cbor
from kouan.core.errors import KouanError
from kouan.core.exchange import bundle, wire
from kouan.core.exchange.times import from_milliseconds
from kouan.core.ledger.checkpoint import LedgerProof
from kouan.core.ledger.errors import ProofError
from kouan.core.ledger.merkle import leaf_hash, verify_inclusion
from kouan.core.ledger.notes import VerifierKey, is_epoch_of
from kouan.core.ledger.offline import EntryFinding, verify_proof
from kouan.core.trust import cose
from kouan.core.trust.member import MemberKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

T = TypeVar("T")

MAX_BODY: Final = 2 << 20
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_MESSAGE_PARTS: Final = frozenset(
    {"body", "entry", "header", "ledger", "path", "receipt", "sealed", "statement"}
)


class DifferentFromContents(KouanError):
    """A part that is not the one that the bundle's maker signed for."""

    code = "part-altered"
    message = _("the part was altered after the bundle was made")


class PartMissing(KouanError):
    """A part that a check needs and the bundle lacks."""

    code = "part-missing"
    message = _("the part is missing")


class Disagrees(KouanError):
    """Two parts, each sound, that do not belong together."""

    code = "parts-disagree"
    message = "%(detail)s"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: in which part, what for, and what is wrong (``""`` if nothing)."""

    part: str
    what: str
    problem: str = ""
    altered: bool = False
    """Whether what is wrong is that the part itself was changed after the bundle was made."""

    @property
    def holds(self) -> bool:
        """Whether the check passed."""
        return not self.problem


@dataclass(slots=True)
class MessageFacts:
    """What a bundle proves of one message; filled as far as its parts could be read."""

    number: int
    header: wire.Header | None = None
    payload: object = None
    statement: wire.Statement | None = None
    receipt: wire.Receipt | None = None
    accepted: bool = False
    entry: EntryFinding | None = None


@dataclass(slots=True)
class Report:
    """Everything that was checked and found."""

    checks: list[Check] = field(default_factory=list)
    messages: list[MessageFacts] = field(default_factory=list)
    fingerprints: dict[str, str] = field(default_factory=dict)
    agreements: dict[bytes, Mapping[str, Any]] = field(default_factory=dict)
    made_by: str = ""
    made_at: datetime | None = None

    @property
    def holds(self) -> bool:
        """Whether every check passed and at least one message was proved."""
        return bool(self.messages) and all(check.holds for check in self.checks)

    @property
    def altered(self) -> list[str]:
        """The parts that are not as they were when the bundle was made, if that could be told."""
        return [check.part for check in self.checks if check.altered]

    @property
    def problems(self) -> list[Check]:
        """The checks that failed, in the order in which they were made."""
        return [check for check in self.checks if not check.holds]


def verify_bundle(data: bytes, *, trusted: Mapping[str, str] | None = None) -> Report:
    """Check a whole bundle; never raises for what ``data`` holds.

    ``trusted`` maps sides to the fingerprints that the reader knows from elsewhere. Without it the
    report proves only that the parts agree with the keys inside, whose fingerprints it lists.
    """
    return _Verification(data, trusted or {}).run()


class _Verification:
    def __init__(self, data: bytes, trusted: Mapping[str, str]) -> None:
        self._data = data
        self._trusted = trusted
        self._report = Report()
        self._parts: Mapping[str, bytes] = {}
        self._members: dict[str, MemberKeys] = {}

    def run(self) -> Report:
        try:
            opened = bundle.Bundle.decode(self._data)
        except KouanError as error:
            self._report.checks.append(Check("frame", _noop("the bundle can be taken apart"), str(error)))
            return self._report
        self._parts = opened.parts
        for name in sorted(self._parts):
            kind, _slash, rest = name.partition("/")
            if kind == "trust":
                self._check(
                    name,
                    _noop("the trust document is whole and signed by its anchor"),
                    self._take_trust,
                    rest,
                )
            elif kind == "agreement":
                self._check(name, _noop("the agreement can be read"), self._take_agreement)
        for side in sorted(set(self._trusted) - set(self._members)):
            self._check(
                f"trust/{side}", _noop("the trust document is whole and signed by its anchor"), self._part
            )
        self._contents(opened.contents)
        numbers: set[str] = set()
        for name in sorted(self._parts):
            kind, _slash, rest = name.partition("/")
            if rest in _MESSAGE_PARTS and _NUMBER.fullmatch(kind):
                numbers.add(kind)
            elif kind not in {"trust", "agreement"}:
                self._report.checks.append(
                    Check(name[:40], _noop("the part is known"), str(_("no such part belongs here")))
                )
        for number in sorted(numbers, key=lambda text: (len(text), text)):
            self._message(number)
        return self._report

    def _check(self, part: str, what: str, step: Callable[..., object], *arguments: Any) -> bool:
        """Run one step and note how it went; whatever a part holds, only ``KouanError`` comes out of it."""
        try:
            step(part, *arguments)
        except KouanError as error:
            altered = isinstance(error, DifferentFromContents)
            self._report.checks.append(Check(part, what, str(error), altered))
            return False
        self._report.checks.append(Check(part, what))
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
        member = MemberKeys.from_bytes(self._part(part))
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

    def _take_agreement(self, part: str) -> None:
        data = self._part(part)
        value = cbor.decode(data, max_bytes=MAX_BODY)
        if not isinstance(value, dict):
            raise Disagrees(detail=str(_("the agreement is not a map")))
        self._report.agreements[wire.digest(data)] = value  # type: ignore[assignment]

    def _contents(self, data: bytes) -> None:
        digests: dict[str, bytes] | None = None

        def read(_: str) -> None:
            unverified = cose.read1(
                data, content_type=bundle.CONTENTS_TYPE, max_bytes=bundle.MAX_CONTENTS + cose.OVERHEAD
            )
            side, made, listed = bundle.decode_contents(unverified.payload)
            nonlocal digests
            digests = listed
            self._report.made_by, self._report.made_at = side, from_milliseconds(made)
            unverified.verify(self._member(side).verification_key(unverified.kid, self._report.made_at))

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
        steps: tuple[tuple[str, str, Callable[[str, str, MessageFacts], None]], ...] = (
            ("header", _noop("the header can be read"), self._header),
            ("body", _noop("the content is the one that the header promises"), self._body),
            ("header", _noop("the agreement it relies on is in the bundle"), self._basis),
            ("statement", _noop("the sender signed the batch"), self._statement),
            ("path", _noop("the message is in the batch that the sender signed"), self._path),
            ("receipt", _noop("the receiver signed for the batch"), self._receipt),
            ("entry", _noop("the ledger's entry is about this message"), self._entry),
            ("ledger", _noop("the entry is in a ledger that the other side co-signed"), self._ledger),
        )
        for name, what, step in steps:
            self._check(f"{number}/{name}", what, step, number, facts)

    def _header(self, part: str, _number: str, facts: MessageFacts) -> None:
        facts.header = wire.Header.decode(self._part(part))

    def _body(self, part: str, _number: str, facts: MessageFacts) -> None:
        body = self._part(part)
        header = _needed(facts.header)
        if wire.digest(body) != header.body:
            raise Disagrees(detail=str(_("its fingerprint is not the one in the header")))
        payload = wire.decode_body(body, max_bytes=MAX_BODY)
        facts.payload = cbor.decode(payload, max_bytes=MAX_BODY)

    def _basis(self, _part: str, _number: str, facts: MessageFacts) -> None:
        header = _needed(facts.header)
        agreement = self._report.agreements.get(header.agreement_digest)
        if agreement is None or agreement.get("id") != header.agreement:
            raise Disagrees(
                detail=str(_("agreement %(agreement)s with the digest in the header is missing"))
                % {"agreement": header.agreement[:80]}
            )
        clauses = agreement.get("clauses")
        for clause in clauses if isinstance(clauses, list) else []:
            if isinstance(clause, dict) and clause.get("id") == header.clause:
                types = clause.get("types")
                if isinstance(types, list) and header.type in types:
                    return
        raise Disagrees(
            detail=str(_("clause %(clause)s of the agreement does not allow this type of message"))
            % {"clause": header.clause[:40]}
        )

    def _statement(self, part: str, _number: str, facts: MessageFacts) -> None:
        signed = cose.read1(
            self._part(part), content_type=wire.BATCH_TYPE, max_bytes=wire.MAX_STATEMENT + cose.OVERHEAD
        )
        statement = wire.Statement.decode(signed.payload)
        member = self._member(statement.sender)
        signed.verify(member.verification_key(signed.kid, from_milliseconds(statement.sealed_at)))
        facts.statement = statement

    def _path(self, part: str, number: str, facts: MessageFacts) -> None:
        header, statement = _needed(facts.header), _needed(facts.statement)
        if (header.sender, header.receiver) != (statement.sender, statement.receiver):
            raise Disagrees(detail=str(_("header and batch name different sides")))
        path = self._part(part)
        if len(path) % bundle.HASH:
            raise ProofError(detail="the path is not a whole number of hashes")
        verify_inclusion(
            leaf_hash(wire.leaf(self._part(f"{number}/header"), self._part(f"{number}/sealed"))),
            header.sequence - statement.first,
            statement.count,
            [path[at : at + bundle.HASH] for at in range(0, len(path), bundle.HASH)],
            statement.root,
        )

    def _receipt(self, part: str, number: str, facts: MessageFacts) -> None:
        header, statement = _needed(facts.header), _needed(facts.statement)
        signed = cose.read1(
            self._part(part), content_type=wire.RECEIPT_TYPE, max_bytes=wire.MAX_RECEIPT + cose.OVERHEAD
        )
        receipt = wire.Receipt.decode(signed.payload)
        member = self._member(receipt.sender)
        signed.verify(member.verification_key(signed.kid, from_milliseconds(receipt.accepted_at)))
        if (receipt.sender, receipt.receiver) != (header.receiver, header.sender):
            raise Disagrees(detail=str(_("the receipt is between other sides")))
        if (
            receipt.statement != wire.digest(self._part(f"{number}/statement"))
            or receipt.root != statement.root
        ):
            raise Disagrees(detail=str(_("the receipt is for another batch")))
        position = header.sequence - statement.first
        if len(receipt.statuses) != statement.count or not 0 <= position < statement.count:
            raise Disagrees(detail=str(_("the receipt does not speak of this message")))
        facts.receipt, facts.accepted = receipt, receipt.statuses[position] is None

    def _entry(self, part: str, number: str, _facts: MessageFacts) -> None:
        match cbor.decode(self._part(part), max_bytes=MAX_BODY, max_depth=2):
            case [bytes(), bytes() as record]:
                expected = wire.leaf(self._part(f"{number}/header"), self._part(f"{number}/sealed"))
                if record != expected:
                    raise Disagrees(detail=str(_("the record is of another message")))
            case _:
                raise Disagrees(detail=str(_("salt or record is missing: the entry was erased")))

    def _ledger(self, part: str, number: str, facts: MessageFacts) -> None:
        header = _needed(facts.header)
        proof = LedgerProof.parse(self._part(part))
        match cbor.decode(self._part(f"{number}/entry"), max_bytes=MAX_BODY, max_depth=2):
            case [bytes() as salt, bytes() as record]:
                pass
            case _:
                raise Disagrees(detail=str(_("salt or record is missing: the entry was erased")))
        # The maker shows its own ledger, and who co-signed that must be the other side of the message:
        # a ledger and a witness that somebody brought along prove nothing.
        sides = {header.sender, header.receiver}
        if self._report.made_by not in sides:
            raise Disagrees(detail=str(_("the ledger is of a side that had no part in the message")))
        keeper = self._member(self._report.made_by)
        other = self._member((sides - {keeper.side}).pop())
        facts.entry = verify_proof(
            proof,
            salt=salt,
            body=record,
            log_keys=[VerifierKey.for_log(_origin(proof.note, keeper.log_origin), keeper.log_key)],
            witness_keys=[VerifierKey.for_witness(other.witness_name, other.witness_key)],
        )


def _origin(note: str, base: str) -> str:
    """Return the name of the ledger that a note is about, if it is that side's first or a later one."""
    named = note.partition("\n")[0]
    return named if is_epoch_of(named, base) else base


def _needed(value: T | None) -> T:
    if value is None:
        raise Disagrees(detail=str(_("it cannot be checked, since a part before it is not sound")))
    return value
