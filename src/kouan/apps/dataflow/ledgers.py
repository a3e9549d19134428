"""The other side's ledger: its node shows there the entry of a message that both sides have.

What the two sides know of a message is the same: its header and the digest of its sealed body, which are what
either ledger's entry records. So a node that asks needs of the other one the entry's salt, its place and its
path alone, under a checkpoint that the asking side itself has co-signed. Nothing about a person crosses, and
nobody is shown a message that is not between the two.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kouan.core import cbor
from kouan.core.errors import KouanError
from kouan.core.exchange import calling, calls
from kouan.core.exchange.models import InboxMessage, OutboxMessage
from kouan.core.exchange.reported import check_ledger
from kouan.core.exchange.transport import PeerRefused
from kouan.core.ledger import queries as ledger
from kouan.core.ledger.checkpoint import MAX_PATH, LedgerProof
from kouan.core.ledger.merkle import HASH_BYTES, SALT_BYTES
from kouan.core.sides import side_name
from kouan.core.trust.queries import get_member, own

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kouan.core.exchange.calls import CallAnswer, Called

PATH: Final = "/dataflow/ledger"
TYPE: Final = "application/cbor"
MOST: Final = 20
"""Messages of one call: as many as an answer holds with the longest paths that there are."""
_MAX_DEPTH: Final = 4
_PAUSE: Final = 1.0
_TRIES: Final = 20
_BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class MalformedProofCall(KouanError):
    """A question about the ledger, or an answer to one, that cannot be read."""

    code = "malformed-proof-call"
    status = 400
    message = _("This is no question about messages in the ledger, and no answer to one.")


# Who is asked


def register() -> None:
    """Name who answers the call."""
    calls.answer(PATH, answer)


def answer(called: Called) -> CallAnswer:
    """Show the caller where messages between it and this side stand in this side's ledger.

    The question is ``{"v": 1, "messages": [[sender, id], …]}``, at most ``MOST``; the answer ``{"v": 1,
    "note": the checkpoint, "entries": [[index, salt, path] or null, …]}``, in order: null for what is not
    known between the two, is newer than the checkpoint, or was erased. Raises ``MalformedProofCall``.
    """
    asked = _asked(called.body)
    checkpoint = ledger.newest_cosigned_by(get_member(called.caller).witness_name)
    entries: list[list[object] | None] = []
    for sender, message_id in asked:
        index = _index(sender, message_id, called.caller)
        entry = (
            None if index is None or checkpoint is None or index >= checkpoint.size else ledger.entry(index)
        )
        if entry is None or entry.salt is None or checkpoint is None:
            entries.append(None)
            continue
        path = ledger.inclusion_proof(entry.index, checkpoint.size)
        entries.append([entry.index, entry.salt, b"".join(path)])
    said = {"v": 1, "note": "" if checkpoint is None else checkpoint.note, "entries": entries}
    headers = {"content-type": TYPE, "cache-control": "no-store"}
    return calls.CallAnswer(HTTPStatus.OK, cbor.encode(said), headers)


def _asked(body: bytes) -> list[tuple[str, uuid.UUID]]:
    match _decoded(body):
        case {"v": 1, "messages": [*pairs], **more} if not more and len(pairs) <= MOST:
            return [_pair(each) for each in pairs]
    raise MalformedProofCall


def _pair(value: object) -> tuple[str, uuid.UUID]:
    match value:
        case [str() as sender, bytes() as id_] if len(id_) == len(uuid.NAMESPACE_URL.bytes):
            return sender, uuid.UUID(bytes=id_)
    raise MalformedProofCall


def _index(sender: str, message_id: uuid.UUID, caller: str) -> int | None:
    """Return where a message between this side and the caller stands in this side's ledger."""
    found: Any = None
    if sender == settings.NODE.side:
        found = OutboxMessage.objects.filter(message_id=message_id, peer=caller)
    elif sender == caller:
        found = InboxMessage.objects.filter(message_id=message_id, peer=caller)
    index: int | None = None if found is None else found.values_list("ledger_index", flat=True).first()
    return index


# Who asks


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message of which the other side's ledger is to show its entry."""

    peer: str
    sender: str
    message_id: uuid.UUID
    record: bytes
    """What either ledger's entry records of it: ``wire.leaf``."""
    receipted_at: int | None
    """Which entry the other side's receipt names; None for a message of theirs, of which there is none."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the other side's ledger proves of a message."""

    index: int | None
    """Its entry there, once that is proved."""
    missing: str = ""
    """What is not proved, and what stands for it meanwhile, in the reader's language."""


def shown(wanted: Sequence[Wanted], *, patient: bool = False) -> list[Shown]:
    """Ask the other sides for their entries of messages, and check each; in order.

    Never raises for what a side answers, or fails to: then that stands in ``missing``. Where a side is busy,
    ``patient`` waits for it. A side that did not answer once is not asked again.
    """
    silent: dict[str, str] = {}
    found: dict[int, Shown] = {}
    for peer in dict.fromkeys(each.peer for each in wanted):
        places = [at for at, each in enumerate(wanted) if each.peer == peer]
        for start in range(0, len(places), MOST):
            these = places[start : start + MOST]
            asked = [wanted[at] for at in these]
            if peer not in silent:
                try:
                    answers = _ask(peer, asked, patient=patient)
                except KouanError as error:
                    silent[peer] = str(error)
            if peer in silent:
                answers = [Shown(None, _not_proved(each, silent[peer])) for each in asked]
            found |= dict(zip(these, answers, strict=True))
    return [found[at] for at in range(len(wanted))]


def _ask(peer: str, wanted: Sequence[Wanted], *, patient: bool) -> list[Shown]:
    question = {"v": 1, "messages": [[each.sender, each.message_id.bytes] for each in wanted]}
    body = cbor.encode(question)
    said = calling.ask(peer, PATH, body, headers={"content-type": TYPE})
    for _again in range(_TRIES if patient else 0):
        if said.status not in _BUSY:
            break
        time.sleep(_PAUSE)
        said = calling.ask(peer, PATH, body, headers={"content-type": TYPE})
    if said.status != HTTPStatus.OK:
        raise PeerRefused(peer=peer, answer_status=said.status, detail=PATH)
    match _decoded(said.body):
        case {"v": 1, "note": str() as note, "entries": [*entries], **more} if not more and len(
            entries
        ) == len(wanted):
            return [_checked(each, entry, note) for each, entry in zip(wanted, entries, strict=True)]
    raise MalformedProofCall


def _checked(wanted: Wanted, entry: object, note: str) -> Shown:
    """Hold what the other side has shown against its keys, and against what this side has of the message."""
    if entry is None:
        detail = gettext("its node shows no entry in a checkpoint that this side has co-signed")
        return Shown(None, _not_proved(wanted, detail))
    try:
        index, salt, path = _entry(entry)
        keys = get_member(wanted.peer)
        ours = own().public
        finding, _cosigned = check_ledger(
            LedgerProof(index, path, note),
            salt=salt,
            record=wanted.record,
            keeper=keys,
            other=ours,
            sides=(keys, ours),
            witnesses=(),
            quorum=1,
        )
    except KouanError as error:
        return Shown(None, _not_proved(wanted, str(error)))
    if wanted.receipted_at not in (None, finding.index):
        detail = gettext("it shows entry %(index)s, which is not the one that its receipt names")
        return Shown(None, _not_proved(wanted, detail % {"index": finding.index}))
    return Shown(finding.index)


def _entry(value: object) -> tuple[int, bytes, tuple[bytes, ...]]:
    match value:
        case [int() as index, bytes() as salt, bytes() as path] if (
            index >= 0
            and len(salt) == SALT_BYTES
            and len(path) % HASH_BYTES == 0
            and len(path) <= MAX_PATH * HASH_BYTES
        ):
            return index, salt, tuple(_pieces(path))
    raise MalformedProofCall


def _pieces(path: bytes) -> Iterable[bytes]:
    return (path[at : at + HASH_BYTES] for at in range(0, len(path), HASH_BYTES))


def _not_proved(wanted: Wanted, why: str) -> str:
    """Say that the other ledger is not proved, and what stands for it: that side's signed word."""
    if wanted.sender == wanted.peer:
        word = gettext("Until it is, its signature under the batch is its word that it sent this.")
    else:
        word = gettext("Until it is, its signed receipt is its word that this is entry %(index)s there.") % {
            "index": "–" if wanted.receipted_at is None else wanted.receipted_at
        }
    said = {"side": side_name(wanted.peer), "why": why.rstrip(".。"), "word": word}
    return gettext("Not proved from the ledger of %(side)s: %(why)s. %(word)s") % said


def _decoded(body: bytes) -> object:
    try:
        return cbor.decode(body, max_bytes=calls.MAX_CALL, max_depth=_MAX_DEPTH)
    except KouanError:
        raise MalformedProofCall from None
