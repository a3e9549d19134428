from __future__ import annotations

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """The append-only ledger and its witnesses."""

    name = "kouan.core.ledger"
    label = "ledger"
