from __future__ import annotations

from django.apps import AppConfig

from kouan.core import chores
from kouan.core.policy import register_consents, register_contracts
from kouan.core.watch import deadlines


class DataFlowConfig(AppConfig):
    """The flow of data under contracts; decides about what crosses on its legal basis."""

    name = "kouan.apps.dataflow"
    label = "dataflow"

    def ready(self) -> None:
        """Take the decisions over, and name what the worker does."""
        from kouan.apps.dataflow import consents, erasing, figures, filings, records  # noqa: PLC0415 - needs the models
        from kouan.apps.dataflow.domain import LEGAL_BASIS  # noqa: PLC0415 - as above
        from kouan.apps.dataflow.register import ConsentRegister, ContractRegister  # noqa: PLC0415 - as above

        register_contracts(LEGAL_BASIS, ContractRegister())
        register_consents(LEGAL_BASIS, ConsentRegister())
        figures.offer()
        deadlines.register("dataflow", filings.near)
        deadlines.register("dataflow-erasures", erasing.overdue)
        chores.register("dataflow-retention", every=60, run=records.erase_overdue)
        chores.register("dataflow-withdrawals", every=60, run=consents.tell_withdrawn)
