"""What messages say, in rows beside the messages' own, which are written anew at each step of their way."""

from __future__ import annotations

from typing import Any, Final

from django.db import models

_KEY: Final[dict[str, Any]] = {
    "related_name": "content",
    "primary_key": True,
    "db_column": "id",
    "db_constraint": False,
}


def _due(name: str) -> models.Index:
    """Return an index of what goes some day: no step of a message's way touches it."""
    return models.Index(fields=["keep", "message"], name=name, condition=models.Q(keep__isnull=False))


class Content(models.Model):
    """A body, salt and payload, and how long it is kept."""

    body = models.BinaryField()
    keep = models.CharField(max_length=16, null=True)  # noqa: DJ001 - none: for good, and in no index
    """``crossing.Keep``, as the message's declaration said when it came here."""

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"body of {self.pk}"


class OutboxBody(Content):
    """The body of a message of ours."""

    message = models.OneToOneField("exchange.OutboxMessage", models.CASCADE, **_KEY)

    class Meta:
        indexes = [_due("outbox_bodies_that_go")]


class InboxBody(Content):
    """The body of a peer's message."""

    message = models.OneToOneField("exchange.InboxMessage", models.CASCADE, **_KEY)

    class Meta:
        indexes = [_due("inbox_bodies_that_go")]
