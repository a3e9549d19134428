"""What a person ends here is over, whether the other side can be told of it or not."""

from __future__ import annotations

import logging
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from kouan.apps.identity import consents, linking
from kouan.apps.identity.crossings import MatchAnswer
from kouan.apps.identity.domain import LinkState
from kouan.apps.identity.models import Link
from kouan.apps.identity.nodes import matching
from kouan.core.exchange.models import OutboxMessage
from kouan.core.trust import queries
from kouan.core.trust.models import Member

HOUR = timedelta(hours=1)
DOCUMENT = b"d" * 32


@pytest.fixture(params=["no-agreement", "unknown-member", "outbox-full"])
def untold(request, node, settings, tmp_path, caplog):
    """Guangdong can be told nothing; what is logged of that says nothing of a person."""
    if request.param == "no-agreement":
        (tmp_path / "none").mkdir()
        settings.NODE = replace(settings.NODE, agreements=tmp_path / "none")
    elif request.param == "unknown-member":
        Member.objects.filter(side="gd").delete()
        queries.forget_members()
    else:
        exchange = replace(settings.NODE.exchange, outbox_max=0)
        settings.NODE = replace(settings.NODE, exchange=exchange)
    with caplog.at_level(logging.WARNING):
        yield
    lines = [each.getMessage() for each in caplog.get_records("call")]
    assert lines
    assert all(line.startswith("gd is not sent identity.") and "CHAN" not in line for line in lines)
    assert not OutboxMessage.objects.exists()


@pytest.fixture
def link(session):
    def make(state, **changes):
        now = timezone.now()
        return Link.objects.create(
            **{
                "resident": session().resident, "peer": "gd", "state": state, "began_here": True,
                "document": DOCUMENT, "peer_subject": "g" * 43, "began_at": now, "key": uuid.uuid4(),
                "documents": "hkid home-return-permit",
            }
            | changes
        )  # fmt: skip

    return make


@pytest.mark.usefixtures("untold")
def test_a_link_ends(link):
    row = link(LinkState.ACTIVE, cooling_until=timezone.now() - HOUR)
    linking.unlink(resident=row.resident, key=row.key)
    row.refresh_from_db()
    assert (row.state, row.ended_by) == (LinkState.ENDED, "hk")


@pytest.mark.usefixtures("untold")
def test_a_link_whose_document_is_linked_already_is_refused(link, arrived):
    link(LinkState.ACTIVE)
    row = link(LinkState.ASKED)
    matching.take_answer(
        message=arrived(MatchAnswer(link=row.key.bytes, outcome="match"), conversation=row.key)
    )
    row.refresh_from_db()
    assert row.state == LinkState.REFUSED


@pytest.mark.usefixtures("untold")
def test_a_consent_is_taken_back(told_to_clinic):
    row = told_to_clinic()
    assert consents.withdraw(resident=row.resident, key=row.receipt.key) == 1
    row.refresh_from_db()
    assert (row.ended_by, row.receipt.withdrawn_at is not None) == ("consent-withdrawn", True)
