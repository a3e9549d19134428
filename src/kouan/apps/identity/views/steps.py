"""Where the next step of a person's way through a sign-in is."""

from __future__ import annotations

from django.urls import reverse

from kouan.apps.identity.models import Interaction

Stage = Interaction.Stage


def address_of(row: Interaction) -> str:
    """Return the address of the step that an interaction is at: a stage is called what its page is called."""
    return reverse(f"identity:{'side' if row.stage == Stage.CHOOSE else row.stage}", args=[row.key])
