"""What a halted channel means and what to do, in sentences that the page and the program share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kouan.core.exchange.models import Channel
from kouan.core.exchange.recovery.halts import loss_of

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class HaltView:
    """A halted channel as a person needs to see it."""

    peer: str
    cause: str
    since: datetime | None
    what: str
    """What has happened, in one sentence."""
    missing: tuple[str, ...]
    """What this node has forgotten, as the peer has proved it."""
    steps: tuple[str, ...]
    """What to do, in order."""
    agreed_here: bool
    agreed_there: bool


def halted_channels() -> list[HaltView]:
    """Return the channels that are halted, by peer."""
    return [_view(row) for row in Channel.objects.exclude(cause="").order_by("peer")]


def _view(row: Channel) -> HaltView:
    return HaltView(
        peer=row.peer,
        cause=row.cause,
        since=row.since,
        what=_what(row),
        missing=_missing(row),
        steps=_steps(row),
        agreed_here=bool(row.ours),
        agreed_there=bool(row.theirs),
    )


def _what(row: Channel) -> str:
    causes = Channel.Cause
    by = loss_of(row.detail).proved_by
    sentences = {
        causes.RESTORED: _(
            "This node's database is older than what %(peer)s holds of it: nothing goes out or comes in."
        ),
        causes.PEER_RESTORED: _(
            "%(peer)s has found that its database is older than what was exchanged: "
            "nothing goes out or comes in."
        ),
        causes.ASKED: _("An operator here has halted the channel with %(peer)s to resynchronise it."),
        causes.PEER_ASKED: _("An operator of %(peer)s wants to resynchronise the channel."),
    }
    return sentences[causes(row.cause)] % {"peer": by or row.peer}


def _missing(row: Channel) -> tuple[str, ...]:
    loss, found = loss_of(row.detail), []
    if loss.sent_there > loss.sent_here:
        found.append(
            _("Messages sent: this node knows up to number %(here)s, %(peer)s holds up to number %(there)s.")
            % {"here": loss.sent_here, "there": loss.sent_there, "peer": row.peer}
        )
    elif loss.sent_there:
        found.append(
            _("Messages sent: %(peer)s holds a batch up to number %(there)s that this node does not know.")
            % {"there": loss.sent_there, "peer": row.peer}
        )
    if loss.taken_there:
        count = max(loss.taken_there - loss.taken_here, 1)
        found.append(
            ngettext(
                "Messages accepted: this node has signed for at least %(count)s message after number "
                "%(here)s and does not know it any more.",
                "Messages accepted: this node has signed for at least %(count)s messages after number "
                "%(here)s and does not know them any more.",
                count,
            )
            % {"count": count, "here": loss.taken_here}
        )
    if loss.ledger_there:
        found.append(
            _(
                "Ledger: this node holds %(here)s entries; %(peer)s has co-signed %(there)s, with another "
                "content than what is here now."
            )
            % {"here": loss.ledger_here, "there": loss.ledger_there, "peer": row.peer}
        )
    if found and loss.until:
        found.append(
            _("The last entry in this node's ledger is of %(until)s: what is missing came after it.")
            % {"until": loss.until}
        )
    return tuple(found)


def _steps(row: Channel) -> tuple[str, ...]:
    if row.ours and row.theirs:
        return (_("Both sides have agreed. The workers of both nodes carry it out; this takes seconds."),)
    command = f"kouan channel resync --peer {row.peer}"
    if row.ours:
        return (
            _("This side has agreed. Ask the operator of %(peer)s to agree too: `kouan channel resync`.")
            % {"peer": row.peer},
        )
    agree = _("To resynchronise, operators of both sides run, here: `%(command)s`.") % {"command": command}
    if row.cause == Channel.Cause.RESTORED:
        return (
            _(
                "If there is a newer backup, stop the node, put it back with `kouan restore`, "
                "and start the node."
            ),
            _("If there is none, tell the operator of %(peer)s what happened.") % {"peer": row.peer},
            agree,
        )
    if row.cause == Channel.Cause.PEER_RESTORED:
        return (
            _("Call the operator of %(peer)s: they may have a newer backup. Then nothing is to be done here.")
            % {"peer": row.peer},
            agree,
        )
    return (agree,)
