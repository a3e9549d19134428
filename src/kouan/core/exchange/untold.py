"""What became of messages of ours, where the app that sent them could not be told yet."""

from __future__ import annotations

from django.db import models


class UntoldFailure(models.Model):
    """A message of ours that failed, and whose app broke on the news: it is told again until it takes it."""

    message = models.OneToOneField(
        "exchange.OutboxMessage",
        models.CASCADE,
        related_name="untold",
        primary_key=True,
        db_column="id",
        db_constraint=False,
    )
    attempts = models.IntegerField()
    next_attempt_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"failure of {self.pk}"
