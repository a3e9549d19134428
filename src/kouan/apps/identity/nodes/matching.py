"""The question whether two documents are one person's, and the issuer's answer to it.

The question is stored; a chore asks the issuer once the person is back in the browser on this side, and the
answer, the end of the question and the link's new state are one transaction.
"""

from __future__ import annotations

import logging
import random
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.identity import linking
from kouan.apps.identity.crossings import MATCH_ANSWER, MATCH_QUESTION, MatchAnswer
from kouan.apps.identity.domain import DOCUMENT_PAIRS, LinkState
from kouan.apps.identity.models import Link, MatchQuestion
from kouan.apps.identity.nodes import issuers
from kouan.apps.identity.nodes.errors import IssuerUnavailable, LinkOver, UnexpectedMatch
from kouan.core.exchange import LATER
from kouan.core.exchange.handling import finish
from kouan.core.exchange.outbox import send

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.apps.identity import crossings
    from kouan.core.exchange import Received
    from kouan.core.exchange.crossing import Later

log = logging.getLogger(__name__)

KEPT: Final = timedelta(days=1)
TAKEN_FOR: Final = timedelta(seconds=60)
"""For how long a question that a worker has taken is not taken by another."""
WAIT_FOR_BROWSER: Final = timedelta(seconds=2)
_PAUSES: Final = (5, 30, 120, 300)
"""Seconds after each time that the issuer could not answer; the last one repeats."""
_OVER: Final = "over"
"""The outcome of a question that nobody has to answer any more."""


def store_question(*, message: Received[crossings.MatchQuestion]) -> Later:
    """Keep another side's question until the issuer has answered; raises ``UnexpectedMatch``."""
    said = message.payload
    asking, issued = said.documents.split(" ")
    link = Link.objects.select_related("resident").filter(key=_uuid(said.link), peer=message.sender).first()
    if (
        DOCUMENT_PAIRS.get((asking, issued)) != settings.NODE.side
        or link is None
        or link.state not in linking.OPEN
        or link.documents not in {"", said.documents}
        or said.subject != linking.subject_towards(message.sender, link.resident)
        or message.conversation != link.key
        or MatchQuestion.objects.filter(link=link.key).exists()
    ):
        raise UnexpectedMatch
    now = timezone.now()
    MatchQuestion.objects.create(
        link=link.key,
        peer=message.sender,
        message_id=message.id,
        conversation=message.conversation,
        resident=link.resident,
        documents=said.documents,
        salt=said.salt,
        digest=said.digest,
        asked_at=now,
        next_at=now,
    )
    return LATER


def take_answer(*, message: Received[crossings.MatchAnswer]) -> None:
    """Take the issuer's word on a link that this side asked about; raises ``UnexpectedMatch``.

    An answer about a link that was ended meanwhile changes nothing; where this side has refused it meanwhile,
    the issuer's side hears that it does not count.
    """
    key = _uuid(message.payload.link)
    link = Link.objects.select_for_update().filter(key=key, peer=message.sender).first()
    if link is None or not _is_issuer(message.sender, link.documents) or message.conversation != key:
        raise UnexpectedMatch
    if link.state == LinkState.ENDED:
        return
    matches = message.payload.outcome == "match"
    if link.state == LinkState.REFUSED and matches:
        linking.tell_unlinked(link)
        return
    if link.state != LinkState.ASKED:
        raise UnexpectedMatch
    if not linking.concluded(link, matches=matches, now=timezone.now()) and matches:
        linking.tell_unlinked(link)


def no_answer(*, link: uuid.UUID, peer: str) -> None:
    """Take that a question of this side will have no answer."""
    row = Link.objects.select_for_update().filter(key=link, peer=peer, state=LinkState.ASKED).first()
    if row is not None:
        linking.concluded(row, matches=False, now=timezone.now())


def answer_questions(*, now: datetime | None = None) -> bool:
    """Ask the issuer about what is due; return whether more may be."""
    now = now or timezone.now()
    due = MatchQuestion.objects.filter(outcome="", next_at__lte=now)
    if not due.exists():
        return False
    with transaction.atomic():
        row = due.select_for_update(skip_locked=True).order_by("next_at").first()
        if row is None:
            return False
        MatchQuestion.objects.filter(pk=row.pk).update(next_at=now + TAKEN_FOR)
    link = Link.objects.filter(key=row.link).first()
    late = now > row.asked_at + MATCH_QUESTION.expires_after
    if late or link is None or link.state not in linking.OPEN or link.documents not in {"", row.documents}:
        _conclude(row, outcome=_OVER)
    elif link.state == LinkState.BEGUN:  # the message was quicker than the browser
        MatchQuestion.objects.filter(pk=row.pk).update(next_at=now + WAIT_FOR_BROWSER)
    else:
        _ask(row, link, now)
    return True


def forget(*, now: datetime | None = None) -> bool:
    """Delete questions that were answered a while ago; more is never waiting."""
    over = MatchQuestion.objects.filter(answered_at__lt=(now or timezone.now()) - KEPT)
    if over.exists():
        over.delete()
    return False


def _ask(row: MatchQuestion, link: Link, now: datetime) -> None:
    """Ask the issuer, outside any transaction."""
    try:
        number, _ = linking.document_number(link)
        question = issuers.Question(row.documents, number, bytes(row.salt), bytes(row.digest))
        outcome = issuers.configured().ask(question)
    except LinkOver:
        _conclude(row, outcome=_OVER)
    except IssuerUnavailable as error:
        log.warning("the issuer cannot be asked about a link: %s", error)
        pause = _PAUSES[min(row.tries, len(_PAUSES) - 1)] * random.uniform(0.75, 1.25)  # noqa: S311 - jitter keeps no secret
        MatchQuestion.objects.filter(pk=row.pk).update(
            tries=row.tries + 1, next_at=now + timedelta(seconds=pause)
        )
    else:
        _conclude(row, outcome=outcome)


def _conclude(row: MatchQuestion, *, outcome: str) -> None:
    """Answer, end the question and move the link on, once."""
    now = timezone.now()
    with transaction.atomic():
        link = Link.objects.select_for_update().filter(key=row.link).first()
        open_ones = MatchQuestion.objects.filter(pk=row.pk, outcome="")
        if link is None or link.state != LinkState.ASKED:
            outcome = _OVER
        if not open_ones.update(outcome=outcome, answered_at=now):
            return
        if link is None or outcome == _OVER:
            finish(peer=row.peer, message_id=row.message_id, code=LinkOver.code)
            return
        matches = linking.concluded(link, matches=outcome == "match", now=now)
        answer = "match" if matches else "no-match" if outcome == "match" else outcome
        send(
            MATCH_ANSWER,
            to=row.peer,
            payload=MatchAnswer(link=row.link.bytes, outcome=answer),  # type: ignore[arg-type]  # an outcome
            conversation=row.conversation,
        )
        finish(peer=row.peer, message_id=row.message_id)


def _is_issuer(side: str, documents: str) -> bool:
    asking, _, issued = documents.partition(" ")
    return DOCUMENT_PAIRS.get((asking, issued)) == side


def _uuid(value: bytes) -> uuid.UUID:
    return uuid.UUID(bytes=value)
