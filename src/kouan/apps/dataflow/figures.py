"""What this app can count of itself (``core.figures``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from kouan.apps.dataflow.models import Contract, Record
from kouan.apps.dataflow.standing import counting
from kouan.core import figures
from kouan.core.policy.decide import term_day

if TYPE_CHECKING:
    from datetime import datetime


def _in_force(_since: datetime, until: datetime) -> int:
    day = term_day(until)
    return Contract.objects.filter(counting(day), effective__lte=day, expires__gte=day).count()


def _crossed(since: datetime, until: datetime) -> int:
    return Record.objects.filter(at__gte=since, at__lt=until).count()


def offer() -> None:
    """Offer the figures."""
    for key, title, count in (
        ("dataflow.contracts", _("Contracts for the flow of data in force, on the last day"), _in_force),
        ("dataflow.records", _("Records that crossed under contracts, either way"), _crossed),
    ):
        figures.offer(figures.Figure(key, title, count))
