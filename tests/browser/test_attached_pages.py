"""The pages about attached systems, with everything on them that can be there at once."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.attached.conftest import arrive, declare, declared, desk, node, other, stores  # noqa: F401 - fixtures
from kouan.apps.attached import services
from kouan.apps.attached.models import Delivery, System, Try


@pytest.fixture
def busy(transactional_db, desk, other, arrive):  # noqa: F811 - the fixtures
    for _ in range(3):
        arrive()
    services.set_webhook(system=desk, url="https://vessel-desk.marine.example.gov.hk/kouan/events")
    services.rotate_token(system=desk)
    services.disable(system=other)
    now = timezone.now()
    for number, (event, state) in enumerate(
        [("message.received", "delivered"), ("message.handled", "waiting"), ("message.refused", "given-up")]
    ):
        made = Delivery.objects.create(
            system=desk,
            event=event,
            message_id=uuid.uuid4(),
            body=b"{}",
            state=state,
            created_at=now - timedelta(hours=number),
            next_at=now + timedelta(minutes=5),
        )
        for _ in range(number * 3):
            Try.objects.create(delivery=made, at=now, problem="ConnectionRefusedError", milliseconds=3)
        if state == "delivered":
            Try.objects.create(delivery=made, at=now, status=204, milliseconds=48)
    System.objects.filter(pk=desk.pk).update(
        webhook_failing_since=now - timedelta(days=3), webhook_disabled_at=now, webhook_disabled_why="failing"
    )


def test_the_pages_are_accessible_and_fit(visit, busy, language):
    visitor = visit(language=language)
    visitor.sign_in("operator")
    for path in (
        "",
        "vessel-desk/",
        "other-desk/",
        "vessel-desk/rotate",
        "vessel-desk/webhook",
        "vessel-desk/disable",
    ):
        visitor.open(f"/attached/{path}")
        visitor.check(f"attached-{path.strip('/').replace('/', '-') or 'systems'}")
    page = visitor.open("/attached/vessel-desk/rotate")
    page.locator("main form button[type=submit]").click()
    page.wait_for_selector("[data-copy]")
    visitor.check("attached-token")
