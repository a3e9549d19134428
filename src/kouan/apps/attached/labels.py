"""Words for what systems, events and deliveries are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from kouan.apps.attached.domain import Event
from kouan.apps.attached.models import Delivery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrOrPromise

EVENTS: Final[Mapping[str, _StrOrPromise]] = {
    Event.RECEIVED: _("A message arrived"),
    Event.ACCEPTED: _("Its message was accepted"),
    Event.HANDLED: _("Its message was handled"),
    Event.REFUSED: _("Its message was refused"),
    Event.EXPIRED: _("Its message expired"),
    Event.CANCELLED: _("Its message was cancelled"),
}
DELIVERIES: Final[Mapping[str, _StrOrPromise]] = {
    Delivery.State.WAITING: _("Waits"),
    Delivery.State.DELIVERED: _("Delivered"),
    Delivery.State.GIVEN_UP: _("Given up"),
}
COLOURS: Final[Mapping[str, str]] = {
    Delivery.State.WAITING: "yellow",
    Delivery.State.DELIVERED: "green",
    Delivery.State.GIVEN_UP: "red",
}
WHY_OFF: Final[Mapping[str, _StrOrPromise]] = {
    "gone": _("The receiver answered that it is gone for good (410)."),
    "failing": _("Nothing arrived there for three days."),
    "unreadable-secret": _(
        "Its secret cannot be opened: the node's own secret has changed. Set the webhook anew."
    ),
}
PROBLEMS: Final[Mapping[str, _StrOrPromise]] = {
    "Timeout": _("no answer in time"),
    "TimeoutError": _("no answer in time"),
    "ConnectionRefusedError": _("nobody listens there"),
    "RefusedAddress": _("an address to which the node does not connect"),
    "SSLCertVerificationError": _("its certificate is not trusted"),
    "gaierror": _("its name is not known"),
}


def outcome(status: int | None, problem: str) -> str:
    """Return in words what came of one try."""
    if status is not None:
        return f"HTTP {status}"
    return str(PROBLEMS.get(problem, problem))
