"""The words for states, steps and findings, as an operator reads them (reasons: ``web.reasons``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from kouan.apps.operations.domain import Direction, Outcome, State, StepKind
from kouan.apps.operations.health import Finding, FindingKind, Level, level_of
from kouan.apps.operations.incident_labels import incident_title, incident_words
from kouan.core.exchange.blobs.queries import Stage
from kouan.core.ledger.notes import witness_name
from kouan.core.sides import side_name
from kouan.web.filters import datetime_long

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise

    from kouan.apps.operations.listing import CrossingRow

__all__ = ["incident_title", "incident_words"]  # a template asks this module alone
DIRECTIONS: Final[Mapping[Direction, _StrPromise]] = {
    Direction.OUT: _("Outgoing"),
    Direction.IN: _("Incoming"),
}

STATES_OUT: Final[Mapping[State, _StrPromise]] = {
    State.WAITING: _("Waiting to be sent"),
    State.SEALED: _("Sent, not answered yet"),
    State.ACCEPTED: _("Accepted, not handled yet"),
    State.HANDLED: _("Handled"),
    State.REFUSED: _("Refused by the other side"),
    State.EXPIRED: _("Expired before sending"),
    State.CANCELLED: _("Cancelled"),
}

STATES_IN: Final[Mapping[State, _StrPromise]] = {
    State.WAITING: _("Accepted, waiting to be handled"),
    State.HANDLED: _("Handled"),
    State.REFUSED: _("Refused by this side"),
    State.FAILED: _("Could not be handled"),
}

STATES: Final[Mapping[State, _StrPromise]] = {
    State.WAITING: _("Waiting"),
    State.SEALED: _("Sealed, not answered yet"),
    State.ACCEPTED: _("Accepted, not handled yet"),
    State.HANDLED: _("Handled"),
    State.REFUSED: _("Refused"),
    State.FAILED: _("Could not be handled"),
    State.EXPIRED: _("Expired before sending"),
    State.CANCELLED: _("Cancelled"),
}
"""The states as a filter over both directions offers them."""

STATE_COLOURS: Final[Mapping[State, str]] = {
    State.WAITING: "blue",
    State.SEALED: "yellow",
    State.ACCEPTED: "blue",
    State.HANDLED: "green",
    State.REFUSED: "red",
    State.FAILED: "red",
    State.EXPIRED: "red",
    State.CANCELLED: "grey",
}

FILE_STAGES: Final[Mapping[Stage, _StrPromise]] = {
    Stage.SEALING: _("Being sealed"),
    Stage.WAITING: pgettext_lazy("file", "Not begun"),
    Stage.MOVING: _("On its way"),
    Stage.HERE: _("Complete"),
    Stage.DELIVERED: _("Delivered"),
    Stage.FAILED: pgettext_lazy("file", "Given up"),
    Stage.REMOVED: pgettext_lazy("file", "Removed after its time"),
}
FILE_COLOURS: Final[Mapping[Stage, str]] = {
    Stage.SEALING: "blue",
    Stage.WAITING: "blue",
    Stage.MOVING: "yellow",
    Stage.HERE: "green",
    Stage.DELIVERED: "green",
    Stage.FAILED: "red",
    Stage.REMOVED: "grey",
}
FILE_UNDER_WAY: Final = frozenset({Stage.SEALING, Stage.WAITING, Stage.MOVING})

OUTCOMES: Final[Mapping[Outcome, _StrPromise]] = {
    Outcome.HANDLED: _("Handled"),
    Outcome.UNDER_WAY: _("Under way"),
    Outcome.REFUSED: _("Refused, failed or expired"),
    Outcome.WITHDRAWN: _("Cancelled"),
}

STEPS_OUT: Final[Mapping[StepKind, tuple[_StrPromise, _StrPromise]]] = {
    StepKind.MADE: (
        _("Made"),
        _("Declared, decided and put into the outbox together with what it announces."),
    ),
    StepKind.SEALED: (
        _("Sealed and signed"),
        _("Numbered, sealed to the other side's key, logged in our ledger."),
    ),
    StepKind.ACCEPTED: (
        _("Accepted by the other side"),
        _("Its signed receipt names the place in its ledger."),
    ),
    StepKind.HANDLED: (_("Handled by the other side"), _("The message has had its effect there.")),
    StepKind.REFUSED_AT_DOOR: (
        _("Refused at the other side's door"),
        _("The signed receipt gives the reason."),
    ),
    StepKind.REFUSED_LATER: (
        _("Refused when it was handled"),
        _("The other side's signed notice gives the reason."),
    ),
    StepKind.EXPIRED: (_("Expired before it was sent"), _("It has not left this side.")),
    StepKind.CANCELLED: (_("Cancelled by an operator"), _("It has not left this side.")),
}

STEPS_IN: Final[Mapping[StepKind, tuple[_StrPromise, _StrPromise]]] = {
    StepKind.MADE: (_("Made by the other side"), _("By the other side's clock.")),
    StepKind.SEALED: (_("Sealed and signed by the other side"), _("By the other side's clock.")),
    StepKind.ACCEPTED: (
        _("Accepted at our door"),
        _("Checked, logged in our ledger, and answered with a receipt."),
    ),
    StepKind.HANDLED: (_("Handled here"), _("The message has had its effect, once.")),
    StepKind.REFUSED_AT_DOOR: (_("Refused at our door"), _("The receipt that we signed gives the reason.")),
    StepKind.REFUSED_LATER: (_("Refused when it was handled"), _("The sender is told the reason.")),
    StepKind.FAILED: (
        _("Could not be handled"),
        _("Its handler broke at every try; it is set aside for you."),
    ),
}

FINDING_KINDS: Final[Mapping[FindingKind, _StrPromise]] = {
    FindingKind.HALTED: _("A channel is halted"),
    FindingKind.EQUIVOCATION: _("A ledger contradicts itself"),
    FindingKind.INCIDENTS: _("Incidents"),
    FindingKind.WORKER_SILENT: _("The worker does not run"),
    FindingKind.LINE_DOWN: _("A line is down"),
    FindingKind.WITNESS_LATE: _("A co-signature is missing"),
    FindingKind.IN_DOUBT: _("A batch is in doubt"),
    FindingKind.WAITING_LONG: _("Messages wait too long"),
    FindingKind.HANDLING_LATE: _("Messages are not handled"),
    FindingKind.DEAD_LETTERS: _("Dead letters"),
    FindingKind.NO_PEERS: _("No other side is known"),
}


def state_words(direction: Direction, state: State, *, ahead: bool = False) -> str:
    """Return the state of a message of this direction in words.

    ``ahead`` says that it is sealed while an earlier batch is still without its receipt.
    """
    if ahead:
        return gettext("Sealed, waiting its turn")
    return str((STATES_OUT if direction is Direction.OUT else STATES_IN)[state])


def content_heading(row: CrossingRow) -> str:
    """Return what stands above the content of a message: nothing has crossed that was not sent."""
    if row.direction is Direction.OUT:
        if row.state in {State.EXPIRED, State.CANCELLED}:
            return gettext("What did not cross")
        if row.state is State.WAITING or row.ahead:
            return gettext("What will cross")
        if row.state is State.SEALED:
            return gettext("What is crossing")
    return gettext("What crossed")


def witness_side(name: str) -> str:
    """Return the name of the side whose witness key has this name; any other name stays as it is."""
    code = name.partition(".")[0]
    return side_name(code) if name == witness_name(code) else side_name(name)


def refusals(refused: Mapping[Direction, int]) -> tuple[str, ...]:
    """Return a sentence for each direction in which messages were refused today."""
    out, came = refused[Direction.OUT], refused[Direction.IN]
    sentences = []
    if out:
        sentences.append(
            ngettext(
                "%(count)s message from this side was refused by another side today.",
                "%(count)s messages from this side were refused by another side today.",
                out,
            )
            % {"count": out}
        )
    if came:
        sentences.append(
            ngettext(
                "%(count)s message from another side was refused here today.",
                "%(count)s messages from another side were refused here today.",
                came,
            )
            % {"count": came}
        )
    return tuple(sentences)


def headline(findings: tuple[Finding, ...]) -> str:
    """Return the one sentence that answers "is all well?"."""
    match level_of(findings):
        case Level.WELL:
            return gettext("All is well: every line works, nothing is in doubt, and the ledger is co-signed.")
        case Level.ATTENTION:
            return ngettext(
                "Everything works. One matter waits for your decision.",
                "Everything works. %(count)s matters wait for your decision.",
                len(findings),
            ) % {"count": len(findings)}
        case Level.PROBLEM:
            return ngettext(
                "Something needs your attention.",
                "%(count)s things need your attention.",
                len(findings),
            ) % {"count": len(findings)}


def finding_sentence(finding: Finding) -> str:  # noqa: C901, PLR0911 - one sentence a kind
    """Return a finding as a sentence that says what is the matter and what to do."""
    words = {
        "peer": side_name(finding.peer),
        "count": finding.count,
        "since": datetime_long(finding.since) if finding.since else gettext("an unknown time"),
    }
    match finding.kind:
        case FindingKind.HALTED:
            text = gettext(
                "Since %(since)s nothing goes to or comes from %(peer)s. Operators have to agree what to do."
            )
            return text % words
        case FindingKind.EQUIVOCATION:
            return gettext(
                "The ledger of another side was signed in two versions that contradict each other. "
                "Keep the evidence and speak to that side."
            )
        case FindingKind.INCIDENTS:
            return (
                ngettext(
                    "%(count)s incident is not acknowledged: a peer did what it should never do.",
                    "%(count)s incidents are not acknowledged: a peer did what it should never do.",
                    finding.count,
                )
                % words
            )
        case FindingKind.WORKER_SILENT:
            text = gettext(
                "Ledger entries since %(since)s are not in a checkpoint. Is the worker process running?"
            )
            return text % words
        case FindingKind.LINE_DOWN:
            text = gettext(
                "The last try to reach %(peer)s failed at %(since)s. The node goes on trying by itself."
            )
            return text % words
        case FindingKind.WITNESS_LATE:
            text = gettext(
                "%(peer)s has not co-signed our checkpoints since %(since)s. Nothing newer can be proved."
            )
            return text % words
        case FindingKind.IN_DOUBT:
            return (
                ngettext(
                    "A batch to %(peer)s was sent, not answered yet since %(since)s; %(count)s try failed.",
                    "A batch to %(peer)s was sent, not answered yet since %(since)s; %(count)s tries failed.",
                    finding.count,
                )
                % words
            )
        case FindingKind.WAITING_LONG:
            return (
                ngettext(
                    "%(count)s message waits for %(peer)s, since %(since)s.",
                    "%(count)s messages wait for %(peer)s, the oldest since %(since)s.",
                    finding.count,
                )
                % words
            )
        case FindingKind.HANDLING_LATE:
            return gettext("Messages that arrived at %(since)s or later are still not handled.") % words
        case FindingKind.DEAD_LETTERS:
            return (
                ngettext(
                    "%(count)s message could not be delivered or handled. Try it again, or put it away.",
                    "%(count)s messages could not be delivered or handled. Try them again, or put them away.",
                    finding.count,
                )
                % words
            )
        case FindingKind.NO_PEERS:
            return gettext("Import the trust document of the side with which this node is to exchange.")
