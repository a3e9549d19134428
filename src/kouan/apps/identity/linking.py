"""Linking a person's two accounts: begun on one side, agreed to on the other, shown by an issuer's word.

The side on which it is begun has the person sign in afresh on the other, in the same browser. Then the side
whose document is not the issuer's own asks with a commitment (``domain.commitment``); the issuer's side
answers yes or no (``nodes.matching``). A link that was shown counts after a cooling-off, of which both
accounts are told; either account's holder ends it at any time. Nobody is linked by a name or an address.
"""

from __future__ import annotations

import json
import re
import secrets
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext, gettext_noop

from kouan.apps.identity import residents, signouts, subjects
from kouan.apps.identity.crossings import MATCH_QUESTION, UNLINKED, MatchQuestion, Unlinked
from kouan.apps.identity.domain import (
    FRESH,
    INTERACTION_LIFE,
    LINKS_A_DAY,
    Level,
    LinkState,
    can_pair,
    commitment,
    link_state,
    pair_of,
    sector_of,
)
from kouan.apps.identity.models import HomeSession, Interaction, Link, Notice, Resident
from kouan.apps.identity.nodes.details import LINK
from kouan.apps.identity.nodes.errors import (
    DocumentIsLinked,
    LinkNotPossible,
    LinkOver,
    NotFreshEnough,
    TooManyLinks,
)
from kouan.apps.identity.provider import interactions
from kouan.apps.identity.provider.clients import ServiceFacts
from kouan.apps.identity.provider.requests import Request
from kouan.core.database.locks import take_turn
from kouan.core.exchange.outbox import send, send_if_it_can
from kouan.core.text import LANGUAGES, Localised
from kouan.core.vault import Unsealable, Vault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

SERVICE_ID: Final = "account-link"
"""What the node itself is called as the service that asks for the other side's sign-in."""
LEVEL: Final = Level.SUBSTANTIAL
OPEN: Final = (LinkState.BEGUN, LinkState.ASKED)
COUNTING: Final = (LinkState.COOLING, LinkState.ACTIVE)
ANSWER_WITHIN: Final = MATCH_QUESTION.expires_after * 2 + INTERACTION_LIFE
"""After so long no answer is on its way any more."""
_DOCUMENTS: Final = Vault("identity/links/1")
_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NAME: Final = gettext_noop("Linking of your accounts")
_PURPOSE: Final = gettext_noop(
    "To show that this account and your account on the other side are both yours, so that services there "
    "know you as the same person."
)


# From the side on which it is begun


def begin(*, session: HomeSession, browser: bytes, peer: str) -> Interaction:
    """Begin a link with the resident's account on another side; the browser goes on to ``identity:peer``.

    Raises ``NotFreshEnough``, ``LevelNotReached``, ``LinkNotPossible``, ``DocumentIsLinked`` or
    ``TooManyLinks``.
    """
    now = timezone.now()
    if session.ended_at is not None or session.expires_at <= now or now - session.authenticated_at > FRESH:
        raise NotFreshEnough(minutes=int(FRESH.total_seconds() // 60))
    interactions.require_level(LEVEL, Level(session.level))
    own = _document(session)
    if not can_pair(own["type"], side=settings.NODE.side, peer=peer):
        raise LinkNotPossible
    with transaction.atomic():
        take_turn(f"identity-link-{session.resident_id}")
        _within_limits(session.resident, now)
        _not_linked(peer, own)
        Link.objects.filter(resident=session.resident, state=LinkState.BEGUN).update(
            state=LinkState.ENDED, ended_at=now, ended_by=settings.NODE.side, sealed=None
        )
        link = _made(session.resident, peer, own, key=uuid.uuid4(), began_here=True, now=now)
        request = Request(
            client_id=LINK,
            redirect_uri="",
            scopes=("openid",),
            claims=("document_type",),
            level=LEVEL,
            service=_as_service(),
            code_challenge="",
            max_age=0,
            prompt=("login",),
            side=peer,
            link=str(link.key),
            link_subject=subject_towards(peer, session.resident),
            link_document=own["type"],
        )
        return Interaction.objects.create(
            browser=browser,
            client=LINK,
            params=request.to_json(),
            stage=Interaction.Stage.PEER,
            side=peer,
            home_session=session,
            began_at=now,
            expires_at=now + INTERACTION_LIFE,
        )


def returned(*, interaction: Interaction, browser: bytes, foreign: Mapping[str, Any]) -> None:
    """Take the other side's sign-in; the interaction is over with it.

    Raises ``LinkOver`` or ``LinkNotPossible``; then the link has come to its end.
    """
    request = interactions.abandoned(key=interaction.key, browser=browser)
    with transaction.atomic():
        link = Link.objects.select_for_update().filter(key=request.link, peer=foreign["side"]).first()
        if link is None or link.state != LinkState.BEGUN:
            raise LinkOver
        kind = foreign["claims"].get("document_type", "")
        pair = pair_of(request.link_document, side=settings.NODE.side, peer_document=kind, peer=link.peer)
        if pair is not None:
            link.documents, link.peer_subject, link.state = pair[0], foreign["subject"], LinkState.ASKED
            link.save()
            _go_on(link, issuer=pair[1])
            # The sign-in there was for this alone.
            signouts.tell(side=link.peer, sid=uuid.UUID(foreign["sid"]))
            return
        _end(link, state=LinkState.REFUSED, by="")
    raise LinkNotPossible


def abandoned(*, key: str) -> None:
    """End a link that came to nothing on the other side."""
    with transaction.atomic():
        link = Link.objects.select_for_update().filter(key=key, state=LinkState.BEGUN).first()
        if link is not None:
            _end(link, state=LinkState.ENDED, by=link.peer)


# On the other side


def agreed(*, interaction: Interaction) -> None:
    """Take the word of the person who signed in here for a link begun on another side.

    Belongs in the transaction that makes the peer's code. Whatever the other side asked for, the sign-in here
    is as strong and as fresh as where a link is begun. Raises ``LevelNotReached``, ``NotFreshEnough``,
    ``LinkNotPossible``, ``DocumentIsLinked``, ``TooManyLinks`` or ``LinkOver``.
    """
    request, session = interactions.request_of(interaction), interaction.home_session
    if session is None:
        raise LinkOver
    now, peer = timezone.now(), request.service.side
    interactions.require_level(LEVEL, Level(session.level))
    if interaction.began_at - session.authenticated_at > FRESH:
        raise NotFreshEnough(minutes=int(FRESH.total_seconds() // 60))
    own = _document(session)
    pair = pair_of(own["type"], side=settings.NODE.side, peer_document=request.link_document, peer=peer)
    if pair is None:
        raise LinkNotPossible
    take_turn(f"identity-link-{session.resident_id}")
    _within_limits(session.resident, now)
    _not_linked(peer, own)
    if Link.objects.filter(key=request.link).exists():
        raise LinkOver
    link = _made(session.resident, peer, own, key=uuid.UUID(request.link), began_here=False, now=now)
    link.documents, link.peer_subject, link.state = pair[0], request.link_subject, LinkState.ASKED
    link.save()
    _go_on(link, issuer=pair[1])


# What both do


def concluded(link: Link, *, matches: bool, now: datetime) -> bool:
    """Write down the issuer's word on a locked link that is asked about; return whether it cools off now."""
    link.sealed = None
    if matches:
        link.state = LinkState.COOLING
        link.cooling_until = now + timedelta(seconds=settings.NODE.identity.cooling_off_s)
        try:
            with transaction.atomic():
                link.save()
        except IntegrityError:  # another link with the document was quicker
            matches = False
    if not matches:
        link.cooling_until = None
        _end(link, state=LinkState.REFUSED, by="")
        return False
    _notice(link, "link-cooling", until=link.cooling_until)
    return True


def unlink(*, resident: Resident, key: uuid.UUID) -> None:
    """End a link of a resident of this side with the sign-ins that rest on it, and tell the other side.

    Raises ``LinkOver`` where there is none (any more).
    """
    with transaction.atomic():
        link = Link.objects.select_for_update().filter(resident=resident, key=key).first()
        if link is None or link.state not in {*OPEN, *COUNTING}:
            raise LinkOver
        _end(link, state=LinkState.ENDED, by=settings.NODE.side)
        tell_unlinked(link)


def unlinked(*, side: str, key: uuid.UUID) -> None:
    """End a link that the other side says is at its end; one that is not known or over already stays so."""
    link = Link.objects.select_for_update().filter(peer=side, key=key).first()
    if link is not None and link.state in {*OPEN, *COUNTING}:
        _end(link, state=LinkState.ENDED, by=side)


def tell_unlinked(link: Link) -> None:
    """Tell the other side that a link is at its end, if it can be told."""
    send_if_it_can(UNLINKED, to=link.peer, payload=Unlinked(link=link.key.bytes), conversation=link.key)


def settle(*, now: datetime | None = None) -> bool:
    """Bring what time has decided to its end: cooling-off over, never came back, never answered."""
    now = now or timezone.now()
    for link in _due(now):
        with transaction.atomic():
            row = Link.objects.select_for_update().get(pk=link.pk)
            if row.state != link.state:
                continue
            if row.state == LinkState.COOLING:
                row.state = LinkState.ACTIVE
                row.save(update_fields=["state"])
                _notice(row, "link-active")
            else:
                _end(row, state=LinkState.REFUSED, by="")
    return False


def active_link(*, resident: Resident, peer: str) -> str:
    """Return the link that counts between a resident and an account on another side; empty if none does."""
    now = timezone.now()
    for link in Link.objects.filter(resident=resident, peer=peer, state__in=COUNTING):
        if _state(link, now) is LinkState.ACTIVE:
            return str(link.key)
    return ""


def resident_of(*, side: str, link: str) -> Resident | None:
    """Return the resident whom a link that another side names stands for here, if it counts here too.

    In a transaction, it goes on counting until that ends: who ends it then finds what came of it.
    """
    counting = Link.objects.filter(key=link, peer=side, state__in=COUNTING).select_related("resident")
    if connection.in_atomic_block:
        counting = counting.select_for_update(of=("self",), no_key=True)
    found = counting.first()
    return found.resident if found is not None and _state(found, timezone.now()) is LinkState.ACTIVE else None


def subject_towards(peer: str, resident: Resident) -> str:
    """Return what another side's node knows a resident by where accounts are linked."""
    return subjects.subject_of(resident=resident, sector=sector_of(SERVICE_ID, peer=peer))


def document_number(link: Link) -> tuple[str, str]:
    """Return number and date of birth of this side's document, kept until the issuer has answered.

    Raises ``LinkOver`` when they are gone.
    """
    try:
        held = json.loads(_DOCUMENTS.unseal(bytes(link.sealed or b""), of=str(link.key)))
    except Unsealable:
        raise LinkOver from None
    return held["number"], held["birthdate"]


def _go_on(link: Link, *, issuer: str) -> None:
    """Ask, if the issuer is the other side's; else wait for its question. Both accounts are told."""
    _notice(link, "link-asked")
    if issuer == settings.NODE.side:
        return
    number, birthdate = document_number(link)
    salt = secrets.token_bytes(32)
    question = MatchQuestion(
        link=link.key.bytes,
        subject=link.peer_subject,
        documents=link.documents,  # type: ignore[arg-type]  # a pair of the rules
        salt=salt,
        digest=commitment(number, birthdate, salt),
    )
    Link.objects.filter(pk=link.pk).update(sealed=None)
    send(MATCH_QUESTION, to=link.peer, payload=question, conversation=link.key)


def _made(  # noqa: PLR0913 - one value a column
    resident: Resident, peer: str, own: Mapping[str, str], *, key: uuid.UUID, began_here: bool, now: datetime
) -> Link:
    kept = json.dumps({"number": own["number"], "birthdate": own["birthdate"]})
    return Link.objects.create(
        key=key,
        resident=resident,
        peer=peer,
        document=_digest(own),
        sealed=_DOCUMENTS.seal(kept.encode(), of=str(key)),
        began_here=began_here,
        state=LinkState.BEGUN,
        began_at=now,
    )


def _end(link: Link, *, state: LinkState, by: str) -> None:
    silent = link.state == LinkState.BEGUN
    counted = link.state in COUNTING
    link.state, link.sealed, link.ended_at, link.ended_by = state, None, timezone.now(), by
    link.save()
    if counted:
        signouts.end_link(link=link)
    if not silent:
        _notice(link, "link-ended" if state is LinkState.ENDED else "link-refused")


def _notice(link: Link, kind: str, *, until: datetime | None = None) -> None:
    params = {"side": link.peer, "link": str(link.key)}
    if until is not None:
        params["until"] = until.isoformat(timespec="seconds")
    Notice.objects.create(resident=link.resident, at=timezone.now(), kind=kind, params=params)


def _due(now: datetime) -> list[Link]:
    links = Link.objects.only("pk", "state")
    return [
        *links.filter(state=LinkState.COOLING, cooling_until__lte=now)[:50],
        *links.filter(state=LinkState.BEGUN, began_at__lt=now - INTERACTION_LIFE)[:50],
        *links.filter(state=LinkState.ASKED, began_at__lt=now - ANSWER_WITHIN)[:50],
    ]


def _document(session: HomeSession) -> dict[str, str]:
    """Return type, number and date of birth of the document that a sign-in showed."""
    told = residents.attributes_of(session)
    kind, number = told.get("document_type", ""), told.get("document_number", "")
    birthdate = told.get("birthdate", "")
    if not (kind and number and _DAY.fullmatch(birthdate)):
        raise LinkNotPossible
    return {"type": kind, "number": number, "birthdate": birthdate}


def _digest(own: Mapping[str, str]) -> bytes:
    text = f"{own['type']}|{own['number']}"
    return salted_hmac("kouan.identity.link-document", text, algorithm="sha256").digest()


def _not_linked(peer: str, own: Mapping[str, str]) -> None:
    if Link.objects.filter(peer=peer, document=_digest(own), state__in=COUNTING).exists():
        raise DocumentIsLinked


def _within_limits(resident: Resident, now: datetime) -> None:
    tries = Link.objects.filter(resident=resident, began_at__gt=now - timedelta(days=1)).count()
    if tries >= LINKS_A_DAY:
        raise TooManyLinks(most=LINKS_A_DAY)


def _state(link: Link, now: datetime) -> LinkState:
    return link_state(LinkState(link.state), cooling_until=link.cooling_until, now=now)


def _as_service() -> ServiceFacts:
    def in_all(text: str) -> Localised:
        said = {}
        for language in LANGUAGES:
            with translation.override(language):
                said[language] = gettext(text)
        return Localised.from_mapping(said, where="link")

    return ServiceFacts(
        id=SERVICE_ID,
        side=settings.NODE.side,
        name=in_all(_NAME),
        purpose=in_all(_PURPOSE),
    )
