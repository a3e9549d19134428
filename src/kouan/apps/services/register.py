"""Consents to what an application sends over: the applicant's own, given on the page that shows all of it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings

from kouan.apps.services.models import Application

if TYPE_CHECKING:
    from kouan.core.policy import Proposal


class ApplicationConsents:
    """Says whether an application that a message names was agreed to by its applicant."""

    def covers(self, proposal: Proposal) -> bool:
        """Whether the named application has its person's receipt, for this receiver.

        What arrives is covered by the receipt that it brings, which its handler checks, or by that of the
        case which it is about.
        """
        key = _uuid(proposal.consent_reference)
        if key is None:
            return False
        if proposal.sender != settings.NODE.side:
            return True
        return Application.objects.filter(
            key=key, peer=proposal.receiver, consented_at__isnull=False, consent_withdrawn_at=None
        ).exists()


def _uuid(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None
