"""One record about one person, as tests send it."""

from __future__ import annotations

from kouan.apps.dataflow import records
from kouan.apps.dataflow.models import Record


def send_record(*, contract, consent, purpose, values):
    """Send data about a person and return its record."""
    (id_,) = records.send_many(contract=contract, purpose=purpose, records=[(consent, values)])
    return Record.objects.select_related("consent").get(message_id=id_, outgoing=True)
