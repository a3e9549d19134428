"""The way of a joint text: proposed, countered, accepted, refused, withdrawn; ours and the other side's.

``negotiation`` decides what becomes of each proposal; here it is read from the database, under the lock of
its subject, and written back in the transaction in which the other side is told.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from kouan.apps.programme.crossings import ANSWERED, PROPOSED, WITHDRAWN, Answered, Proposed, Withdrawn
from kouan.apps.programme.models import Draft, Subject, Version, VersionPaper
from kouan.apps.programme.plan import errors, negotiation
from kouan.apps.programme.plan.domain import Agreed, Plan, UnreadableText, made_of, read_text
from kouan.apps.programme.plan.negotiation import Impossible, Proposal, State, Table
from kouan.core.exchange import statements
from kouan.core.exchange.outbox import send
from kouan.core.exchange.statements import Statement
from kouan.core.trust.errors import BadSignature

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterator

    from kouan.core.errors import KouanError
    from kouan.core.exchange import Received, Undelivered

SIGNATURE: str = "application/kouan-joint-text-signature+cbor"
_ERRORS: dict[str, type[KouanError]] = {
    negotiation.UNKNOWN: errors.UnknownVersion,
    negotiation.TWICE: errors.ProposedTwice,
    negotiation.STALE: errors.OtherBase,
    negotiation.NOT_STANDING: errors.NotOnTheTable,
    negotiation.NOT_OURS: errors.NotOnTheTable,
    negotiation.OVER: errors.NotOnTheTable,
}


def text_of(row: Version) -> Agreed:
    """Return what a version says."""
    return read_text(bytes(row.text))


def in_effect(subject: Subject) -> Version | None:
    """Return the version that both sides have signed, if there is one."""
    return subject.versions.filter(state=State.SIGNED).first()


def next_number(subject: Subject) -> int:
    """Return the number that the next proposal gets."""
    newest = subject.versions.order_by("-number").values_list("number", flat=True).first()
    return (newest or 0) + 1


def final(draft: Draft) -> Agreed:
    """Return a draft as the text that would be signed now; raises ``IllFormedText``."""
    subject = draft.subject
    base = in_effect(subject)
    content = draft.content | {
        "version": next_number(subject),
        "replaces": None if base is None else bytes(base.digest).hex(),
        "sides": sorted([settings.NODE.side, subject.peer]),
        "author": settings.NODE.side,
    }
    try:
        made = made_of(content)
    except UnreadableText as error:
        raise errors.IllFormedText(detail=str(error)) from None
    if made.subject != subject.key:
        raise errors.OtherSubject
    return made


def propose(*, subject: Subject, edition: int, officer: str) -> Version:
    """Sign this side's draft and put it before the other side; a proposal of theirs is countered by it.

    ``edition`` is that of the draft which the officer has read. Raises ``DraftHasMoved``, ``IllFormedText``,
    ``OtherBase``, or as ``send``.
    """
    from kouan.apps.programme.plan import papers  # noqa: PLC0415 - what prints is heavy, and few processes print

    draft = Draft.objects.filter(subject=subject).select_related("subject").first()
    if draft is None:
        raise errors.UnknownSubject
    text = final(draft)
    # Made before the transaction: it takes its time, and may ask a time-stamping authority.
    paper = papers.within(papers.signed(text, officer=officer))
    with transaction.atomic():
        locked = _lock(subject.key)
        draft = Draft.objects.select_for_update().get(subject=locked)
        if draft.edition != edition:
            raise errors.DraftHasMoved(who=draft.changed_by)
        if final(draft) != text:
            raise errors.AnsweredMeanwhile
        table = _table(locked)
        with _told():
            answers = table.propose(text.digest(), replaces=_bytes(text.replaces))
        now = timezone.now()
        statement = _sign(text, officer)
        message = send(
            PROPOSED,
            to=locked.peer,
            payload=Proposed(text=text.canonical(), statement=statement, answers=answers or b"", paper=paper),
            conversation=locked.key,
        )
        row = Version.objects.create(
            subject=locked,
            number=text.version,
            text=text.canonical(),
            digest=text.digest(),
            author=settings.NODE.side,
            state=State.PROPOSED,
            replaces=_bytes(text.replaces),
            answers=answers,
            signed_by_author=statement,
            proposal_id=message,
            created_at=now,
        )
        _write(locked, table)
        papers.keep(row, paper)
        draft.delete()
    return row


def accept(*, digest: bytes, officer: str) -> Version:
    """Sign the other side's proposal that stands: from now on it is in effect."""
    from kouan.apps.programme.plan import papers  # noqa: PLC0415 - as above

    row = _row(digest)
    if row.state != State.PROPOSED or row.author == settings.NODE.side:
        raise errors.NotOnTheTable
    text = text_of(row)
    theirs = VersionPaper.objects.filter(version=row).values_list("data", flat=True).first()
    paper = papers.within(papers.signed(text, officer=officer, theirs=bytes(theirs or b"")))
    with transaction.atomic():
        locked = _lock(row.subject.key)
        table = _table(locked)
        with _told():
            table.accept(digest)
        statement = _sign(text, officer)
        message = _answer(locked, digest, "accepted", statement=statement, paper=paper)
        _write(locked, table)
        Version.objects.filter(pk=row.pk).update(signed_by_other=statement, answer_id=message)
        papers.keep(row, paper)
    return _row(digest)


def refuse(*, digest: bytes, reason: str) -> Version:
    """Refuse the other side's proposal, with a reason."""
    with transaction.atomic():
        locked = _lock(_row(digest).subject.key)
        table = _table(locked)
        with _told():
            table.refuse(digest)
        message = _answer(locked, digest, "refused", reason=reason)
        _write(locked, table)
        Version.objects.filter(digest=digest).update(reason=reason, answer_id=message)
    return _row(digest)


def withdraw(*, digest: bytes, reason: str) -> Version:
    """Take a proposal of this side off the table, with a reason."""
    with transaction.atomic():
        locked = _lock(_row(digest).subject.key)
        table = _table(locked)
        with _told():
            table.withdraw(digest)
        send(
            WITHDRAWN,
            to=locked.peer,
            payload=Withdrawn(digest=digest, reason=reason),
            conversation=locked.key,
        )
        _write(locked, table)
        Version.objects.filter(digest=digest).update(reason=reason)
    return _row(digest)


# What the other side's messages say; each runs in the transaction of its handling.


def received(*, message: Received[Proposed]) -> None:
    """Keep what the other side proposes; raises a ``KouanError`` for what nobody could sign."""
    said = message.payload
    try:
        text = read_text(said.text)
    except UnreadableText as error:
        raise errors.IllFormedText(detail=str(error)) from None
    if (
        text.sides != sorted([settings.NODE.side, message.sender])
        or text.author != message.sender
        or text.subject != message.conversation
        or len(said.answers) not in {0, 32}
    ):
        raise errors.OtherSubject
    _read(said.statement, text, side=message.sender)
    subject = _subject_for(text, message.sender)
    table = _table(subject)
    answers = said.answers or None
    with _told():
        table.proposed(text.digest(), replaces=_bytes(text.replaces), answers=answers)
    row = Version.objects.create(
        subject=subject,
        number=text.version,
        text=said.text,
        digest=text.digest(),
        author=message.sender,
        state=State.PROPOSED,
        replaces=_bytes(text.replaces),
        answers=answers,
        signed_by_author=said.statement,
        proposal_id=message.id,
        created_at=timezone.now(),
    )
    _write(subject, table)
    from kouan.apps.programme.plan import papers  # noqa: PLC0415 - as above

    papers.take(row, text, said.paper, {message.sender})


def answered(*, message: Received[Answered]) -> None:
    """Note the other side's answer to what this side proposed."""
    said = message.payload
    row = _row(said.digest)
    if row.subject.peer != message.sender:
        raise errors.UnknownVersion
    subject = _lock(row.subject.key)
    table = _table(subject)
    if said.outcome == "refused":
        with _told():
            table.refused(said.digest)
        _write(subject, table)
        if _row(said.digest).state == State.REFUSED:
            Version.objects.filter(pk=row.pk).update(reason=said.reason, answer_id=message.id)
        return
    text = text_of(row)
    answer = _read(said.statement, text, side=message.sender)
    ours = _read(bytes(row.signed_by_author), text, side=settings.NODE.side)
    borne = timedelta(seconds=settings.NODE.exchange.clock_tolerance_s)
    if not ours.at - borne <= answer.at <= timezone.now() + borne:
        raise errors.UnsoundSignature
    with _told():
        table.accepted(said.digest)
    _write(subject, table)
    Version.objects.filter(pk=row.pk).update(signed_by_other=said.statement, answer_id=message.id)
    from kouan.apps.programme.plan import papers  # noqa: PLC0415 - as above

    papers.take(row, text, said.paper, {settings.NODE.side, message.sender})


def withdrawn(*, message: Received[Withdrawn]) -> None:
    """Take the other side's proposal off the table, unless it was signed before."""
    said = message.payload
    row = Version.objects.filter(digest=said.digest, subject__peer=message.sender).first()
    if row is None:
        return
    subject = _lock(row.subject.key)
    table = _table(subject)
    with _told():
        table.withdrawn(said.digest)
    _write(subject, table)
    if _row(said.digest).state == State.WITHDRAWN:
        Version.objects.filter(pk=row.pk).update(reason=said.reason)


def not_taken(*, message: Undelivered) -> None:
    """Note that the other side could not take a proposal: it may be drafted anew."""
    row = Version.objects.filter(proposal_id=message.id, author=settings.NODE.side).first()
    if row is None:
        return
    subject = _lock(row.subject.key)
    table = _table(subject)
    table.refused(bytes(row.digest))
    _write(subject, table)
    Version.objects.filter(pk=row.pk, state=State.REFUSED).update(reason=message.code)


def answer_not_taken(*, message: Undelivered) -> None:
    """Note that the other side never got this side's acceptance: what counted before counts again."""
    row = Version.objects.filter(answer_id=message.id).first()
    if row is None or row.author == settings.NODE.side:
        return
    subject = _lock(row.subject.key)
    table = _table(subject)
    table.unsigned(bytes(row.digest))
    _write(subject, table)
    Version.objects.filter(pk=row.pk, state=State.PROPOSED).update(
        signed_by_other=None, answer_id=None, decided_at=None
    )


# What they share


def subject_of(*, key: uuid.UUID, kind: str, peer: str, year: int | None = None) -> Subject:
    """Return the row of a plan or of a meeting's minutes, made where there is none yet."""
    return Subject.objects.get_or_create(
        key=key, defaults={"kind": kind, "peer": peer, "year": year, "created_at": timezone.now()}
    )[0]


def _subject_for(text: Agreed, peer: str) -> Subject:
    year = text.year if isinstance(text, Plan) else None
    subject = subject_of(key=text.subject, kind=text.kind, peer=peer, year=year)
    if (subject.kind, subject.peer) != (text.kind, peer):
        raise errors.OtherSubject
    return _lock(subject.key)


def _lock(key: uuid.UUID) -> Subject:
    found = Subject.objects.select_for_update().filter(key=key).first()
    if found is None:
        raise errors.UnknownSubject
    return found


def _row(digest: bytes) -> Version:
    found = Version.objects.select_related("subject").filter(digest=digest).first()
    if found is None:
        raise errors.UnknownVersion
    return found


def _table(subject: Subject) -> Table:
    rows = subject.versions.values_list("digest", "author", "replaces", "state")
    return Table(
        {
            bytes(digest): Proposal(
                bytes(digest),
                author == settings.NODE.side,
                None if replaces is None else bytes(replaces),
                State(state),
            )
            for digest, author, replaces, state in rows
        }
    )


def _write(subject: Subject, table: Table) -> None:
    """Write down the states that have changed."""
    now = timezone.now()
    for digest in table.changed:
        state = table.proposals[digest].state
        subject.versions.filter(digest=digest).exclude(state=state).update(state=state, decided_at=now)
    table.changed.clear()


@contextmanager
def _told() -> Iterator[None]:
    """Turn what cannot be done into an error for people and for the other side."""
    try:
        yield
    except Impossible as problem:
        raise _ERRORS[str(problem)] from None


def _sign(text: Agreed, officer: str) -> bytes:
    said = Statement(text.digest(), settings.NODE.side, officer[:200], timezone.now())
    return statements.sign(said, content_type=SIGNATURE)


def _read(statement: bytes, text: Agreed, *, side: str) -> Statement:
    try:
        return statements.read(statement, side=side, digest=text.digest(), content_type=SIGNATURE)
    except BadSignature:
        raise errors.UnsoundSignature from None


def _answer(  # noqa: PLR0913 - all that an answer is, by name
    subject: Subject,
    digest: bytes,
    outcome: str,
    *,
    statement: bytes = b"",
    reason: str = "",
    paper: bytes = b"",
) -> uuid.UUID:
    said = Answered.model_validate(
        {"digest": digest, "outcome": outcome, "statement": statement, "reason": reason, "paper": paper}
    )
    return send(ANSWERED, to=subject.peer, payload=said, conversation=subject.key)


def _bytes(hexadecimal: str | None) -> bytes | None:
    return None if hexadecimal is None else bytes.fromhex(hexadecimal)
