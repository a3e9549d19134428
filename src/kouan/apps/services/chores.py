"""What the worker does for this app besides handling messages."""

from __future__ import annotations

from kouan.apps.services.applying import erasing as applications
from kouan.apps.services.applying import expiry, mailing
from kouan.apps.services.cases import deadlines
from kouan.apps.services.cases import erasing as cases
from kouan.apps.services.catalogue import federation
from kouan.core import chores


def register_all() -> None:
    """Name each, and how often it is looked at (seconds)."""
    chores.register("services-catalogue", every=30, run=federation.tell)
    chores.register("services-drafts", every=300, run=expiry.run)
    chores.register("services-mail", every=5, run=mailing.run)
    chores.register("services-deadlines", every=300, run=deadlines.run)
    chores.register("services-applications-kept", every=600, run=applications.run)
    chores.register("services-cases-kept", every=600, run=cases.run)
