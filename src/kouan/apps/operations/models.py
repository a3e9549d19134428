"""What watching keeps: the alarms, raised and cleared, and each process's last sign of life."""

from __future__ import annotations

from django.db import models


class AlarmRow(models.Model):
    """One alarm from its raising to its clearing; the row stays."""

    kind = models.CharField(max_length=32)
    about = models.CharField(max_length=64)
    """A side, a key, or nothing where it is about the node itself."""
    value = models.FloatField()
    """What was measured when it was raised, in the unit of its kind."""
    limit = models.FloatField()
    raised_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True)
    told_raised = models.BooleanField(default=False)
    told_cleared = models.BooleanField(default=False)
    """Whether the program of ``watch.notify`` has been told, or nobody is to be told any more."""
    tries = models.IntegerField(default=0)

    class Meta:
        constraints = [
            # Two workers that see the same raise it once.
            models.UniqueConstraint(
                fields=["kind", "about"],
                condition=models.Q(cleared_at__isnull=True),
                name="operations_alarm_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(told_raised=False)
                | models.Q(told_cleared=False, cleared_at__isnull=False),
                name="operations_alarm_untold",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.about}"


class Heartbeat(models.Model):
    """When a process last said that it works."""

    process = models.CharField(max_length=32, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.process} at {self.at}"
