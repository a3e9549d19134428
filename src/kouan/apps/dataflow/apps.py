from __future__ import annotations

from django.apps import AppConfig

from kouan.core import chores
from kouan.core.exchange import refusals
from kouan.core.policy import register_consents, register_contracts
from kouan.core.watch import deadlines


class DataFlowConfig(AppConfig):
    """The flow of data under contracts; decides about what crosses on its legal basis."""

    name = "kouan.apps.dataflow"
    label = "dataflow"

    def ready(self) -> None:
        """Take the decisions over, and name what the worker does."""
        from kouan.apps.dataflow import (  # noqa: PLC0415 - needs the models
            clearing,
            consents,
            erasing,
            figures,
            filings,
            heldback,
            ledgers,
            telling,
        )
        from kouan.apps.dataflow.domain import LEGAL_BASIS  # noqa: PLC0415 - as above
        from kouan.apps.dataflow.register import ConsentRegister, ContractRegister  # noqa: PLC0415 - as above

        register_contracts(LEGAL_BASIS, ContractRegister())
        register_consents(LEGAL_BASIS, ConsentRegister())
        ledgers.register()
        refusals.tell_of_held_back(heldback.note)
        figures.offer()
        deadlines.register("dataflow", filings.near)
        deadlines.register("dataflow-erasures", erasing.overdue)
        chores.register("dataflow-retention", every=60, run=clearing.erase_overdue)
        chores.register("dataflow-lapsed", every=60, run=clearing.refuse_lapsed)
        chores.register("dataflow-unsendable", every=60, run=clearing.erase_unsendable)
        chores.register("dataflow-erased", every=60, run=clearing.tell_erased)
        chores.register("dataflow-withdrawals", every=60, run=consents.tell_withdrawn)
        chores.register("dataflow-erasures", every=60, run=erasing.tell_answered)
        chores.register("dataflow-filings", every=3600, run=filings.count_again)
        chores.register("dataflow-telling", every=60, run=telling.tell_again)
