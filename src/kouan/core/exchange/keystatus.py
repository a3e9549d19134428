"""What there is to know about the keys of this side and of its members, for commands and pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from kouan.core.exchange import keynews
from kouan.core.trust.document import grouped
from kouan.core.trust.errors import NoUsableKey
from kouan.core.trust.keys import KeyUse
from kouan.core.trust.models import HeldDocument, KeyNews
from kouan.core.trust.queries import members, own
from kouan.core.trust.rotation import REMINDER

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.core.trust.document import Revocation

_ORDER: Final = list(KeyUse)


@dataclass(frozen=True, slots=True)
class KeyState:
    """One key of ours."""

    use: KeyUse
    kid: str
    since: datetime
    until: datetime
    state: str
    """``in-use``, ``next``, ``ended``, ``pruned`` or ``compromised``."""
    where: str
    """``file``, ``token`` or nothing when its private half is gone."""
    ends_soon: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What one member has signed about our present document."""

    side: str
    serial: int
    """The newest of our documents that the member has in use, as far as it signed; 0 for none."""
    verdict: str
    """About the present one: ``installed``, ``held``, ``superseded``, ``first`` or nothing yet."""
    at: datetime | None
    problem: str


@dataclass(frozen=True, slots=True)
class Held:
    """A member's new anchor that waits for this side's operator."""

    side: str
    known: str
    fingerprint: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Status:
    """Everything."""

    side: str
    serial: int
    fingerprint: str
    keys: tuple[KeyState, ...]
    ending: tuple[KeyUse, ...]
    told: tuple[Told, ...]
    held: tuple[Held, ...]
    revoked: tuple[Revocation, ...]


def status() -> Status:
    """Return the state of this side's keys and who knows of it."""
    keys = own()
    return Status(
        side=keys.side,
        serial=keys.public.serial,
        fingerprint=keys.fingerprint,
        keys=_states(),
        ending=keys.ending,
        told=_told(),
        held=held(),
        revoked=tuple(keys.public.revoked.values()),
    )


def held() -> tuple[Held, ...]:
    """Return the members whose new anchors wait to be confirmed here."""
    rows = HeldDocument.objects.order_by("side")
    return tuple(Held(row.side, row.known, row.fingerprint, row.held_at) for row in rows)


def _states() -> tuple[KeyState, ...]:
    keys, now = own(), timezone.now()
    soon = {key.kid for key in keynews.ending_soon(keys)}
    states = []
    for key in sorted(keys.keys, key=lambda key: (_ORDER.index(key.use), key.since)):
        try:
            in_use = keys.current(key.use, now).kid == key.kid
        except NoUsableKey:
            in_use = False
        if key.kid in keys.revoked:
            state = "compromised"
        elif in_use:
            state = "in-use"
        elif not key.usable:
            state = "pruned"
        else:
            state = "next" if key.until > now else "ended"
        where = "token" if key.in_token else "file" if key.usable else ""
        states.append(
            KeyState(key.use, key.kid.hex(), key.since, key.until, state, where, ends_soon=key.kid in soon)
        )
    return tuple(states)


def _told() -> tuple[Told, ...]:
    public = own().public
    told = []
    for member in members():
        rows = KeyNews.objects.filter(peer=member.side)
        taken = rows.filter(verdict="installed").order_by("-serial").values_list("serial", flat=True).first()
        news = rows.filter(digest=public.trust.digest).first()
        if news is None:
            verdict = "first" if public.serial == 1 else ""
            told.append(Told(member.side, taken or 0, verdict, None, ""))
        else:
            told.append(Told(member.side, taken or 0, news.verdict, news.acknowledged_at, news.problem))
    return tuple(told)


def lines(found: Status) -> list[str]:
    """Return the state in words, for a terminal."""
    text = [f"{found.side}  {grouped(found.fingerprint)}", _("Document %d") % found.serial, ""]
    for key in found.keys:
        mark = f"  ({key.where})" if key.where == "token" else ""
        text.append(
            f"{key.use.value:8} {key.kid} {key.since:%Y-%m-%d} – {key.until:%Y-%m-%d}  {key.state}{mark}"
        )
    text += [
        _("The %(use)s key %(kid)s ends on %(day)s. Run: kouan trust rotate %(use)s")
        % {"use": key.use.value, "kid": key.kid[:8], "day": f"{key.until:%Y-%m-%d}"}
        for key in found.keys
        if key.ends_soon
    ]
    if found.ending:
        text.append(
            _("The old keys to %s end as soon as every side has acknowledged the new ones.")
            % ", ".join(found.ending)
        )
    text.append("")
    for told in found.told:
        text.append(f"{told.side}  {_verdict(told)}")
        if told.problem:
            text.append(f"    {told.problem}")
    for item in found.held:
        text += [
            _("%s has a new anchor. Compare this fingerprint with it by another way:") % item.side,
            f"    {grouped(item.fingerprint)}",
            _("then run: kouan trust confirm %s --fingerprint HEX") % item.side,
        ]
    return text


def _verdict(told: Told) -> str:
    match told.verdict:
        case "installed":
            return _("has signed that it uses the present document (%s UTC)") % f"{told.at:%Y-%m-%d %H:%M}"
        case "held":
            return _("holds the present document until its operator has compared the fingerprint")
        case "first":
            return _("was given the first document by hand")
        case _:
            return _("has not acknowledged the present document; it last signed for %d") % told.serial


def as_json(found: Status) -> dict[str, object]:
    """Return the state as JSON's types."""
    return {
        "side": found.side,
        "serial": found.serial,
        "fingerprint": found.fingerprint,
        "reminder_days": REMINDER.days,
        "keys": [
            {
                "use": key.use.value,
                "kid": key.kid,
                "from": key.since.isoformat(),
                "until": key.until.isoformat(),
                "state": key.state,
                "where": key.where,
                "ends_soon": key.ends_soon,
            }
            for key in found.keys
        ],
        "ending": [use.value for use in found.ending],
        "peers": [
            {"side": told.side, "serial": told.serial, "verdict": told.verdict, "problem": told.problem}
            for told in found.told
        ],
        "held": [{"side": item.side, "fingerprint": item.fingerprint} for item in found.held],
    }
