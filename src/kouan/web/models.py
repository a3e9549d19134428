from __future__ import annotations

from django.db import models


class Attempt(models.Model):
    """One try that counts towards a limit (see ``kouan.web.throttle``); deleted when its window is over."""

    scope = models.CharField(max_length=40)
    subject = models.CharField(max_length=64)
    """HMAC-SHA-256, hexadecimal, of what is counted."""
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["scope", "subject", "at"], name="web_attempt_subject"),
            models.Index(fields=["scope", "at"], name="web_attempt_age"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.at:%Y-%m-%d %H:%M:%S}"
