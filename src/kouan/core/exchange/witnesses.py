"""Witnesses beside the peers: any that speaks C2SP tlog-witness and is named in ``node.toml``.

Two sides that collude can rewrite both ledgers; a witness that belongs to neither would show it. The
peers are asked by the worker, over their doors; each witness here has a chore of its own, so that one
that is slow or gone holds up nobody.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from django.conf import settings

from kouan.core.errors import KouanError
from kouan.core.exchange import services
from kouan.core.ledger import queries as ledger
from kouan.core.ledger import services as keeping
from kouan.core.ledger.notes import VerifierKey
from kouan.core.ledger.witness import WitnessAnswer
from kouan.core.trust.queries import members

if TYPE_CHECKING:
    from collections.abc import Callable

    from kouan.sections import WitnessSettings

log = logging.getLogger(__name__)

ASK_EVERY: Final = 1.0
IDLE: Final = 2.0
"""The same while nothing happens: one that did not answer is asked again."""
MAX_ANSWER: Final = 16 * 1024
_REQUEST: Final = "text/plain; charset=utf-8"


def verifier_keys() -> dict[str, VerifierKey]:
    """Return every witness whose co-signature counts, by name: the peers' and the configured ones.

    Raises ``MalformedVerifierKeyError`` when a key in ``node.toml`` is none.
    """
    keys = {
        each.witness_name: VerifierKey.for_witness(each.witness_name, each.witness_key) for each in members()
    }
    return keys | {each.name: VerifierKey.parse(each.key) for each in settings.NODE.witnesses}


def asker(witness: WitnessSettings) -> Callable[[], bool]:
    """Return the chore that has this witness co-sign our newest checkpoint."""

    def run() -> bool:
        problem = ""
        try:
            ask(witness)
        except KouanError as error:
            problem = str(error)
        if (
            (problem or _had_problem(witness.name))
            and services.note_outcome(witness.name, problem)
            and problem
        ):
            log.warning("the witness %s has not co-signed: %s", witness.name, problem)
        return False

    return run


def ask(witness: WitnessSettings) -> bool:
    """Have a witness co-sign our newest checkpoint; return whether there was anything to co-sign.

    Raises ``ServiceUnreachable``, what its key or its answer is wrong with, or ``LedgerRangeError``
    when it knows a longer ledger than ours: this node has lost entries.
    """
    newest = ledger.latest_checkpoint()
    known = ledger.cosigned_size(witness.name)
    if newest is None or newest.size == known:
        return False
    key = VerifierKey.parse(witness.key)
    size, answer = _post(witness, known)
    if answer.status == HTTPStatus.CONFLICT:
        size, answer = _post(witness, answer.conflict_size())
    if answer.status != HTTPStatus.OK:
        said = answer.body[:120].decode("utf-8", "replace").strip()
        raise services.ServiceUnreachable(
            host=witness.name,
            detail=f"HTTP {answer.status}: "
            + "".join(one if one.isprintable() else "\ufffd" for one in said),
        )
    keeping.store_cosignature(size=size, answer=answer.body, witness_keys=[key])
    services.note_outcome(witness.name, "")
    return True


def _post(witness: WitnessSettings, known: int) -> tuple[int, WitnessAnswer]:
    request = ledger.add_checkpoint_request(old_size=known)
    assert request is not None  # noqa: S101 - a checkpoint was there a moment ago, and none is ever removed
    size, body = request
    answer = services.post(
        witness.url + "/add-checkpoint", body, content_type=_REQUEST, max_answer=MAX_ANSWER
    )
    return size, WitnessAnswer(answer.status, answer.content_type, answer.body)


def _had_problem(name: str) -> bool:
    from kouan.core.ledger.models import Helper  # noqa: PLC0415 - models are ready when a chore runs

    return Helper.objects.filter(name=name).exclude(problem="").exists()
