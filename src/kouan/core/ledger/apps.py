from __future__ import annotations

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "kouan.core.ledger"
    label = "ledger"
