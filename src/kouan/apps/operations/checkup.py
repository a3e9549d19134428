"""``kouan health``: the node looked at from outside its processes, as a supervisor does."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings

from kouan.apps.operations import queries
from kouan.apps.operations.alarm_labels import alarm_sentence
from kouan.apps.operations.readiness import Check, readiness

if TYPE_CHECKING:
    from kouan.apps.operations.queries import AlarmRecord
    from kouan.sections import Address

WELL: Final = 0
FAILING: Final = 1
ALARMED: Final = 3
"""Not 2: that is click's, for a command that is written wrongly."""
_CONNECT: Final = 2.0


@dataclass(frozen=True, slots=True)
class Found:
    """How the node is."""

    checks: tuple[Check, ...]
    alarms: tuple[AlarmRecord, ...]

    @property
    def status(self) -> int:
        """The exit status."""
        if not all(check.good for check in self.checks):
            return FAILING
        return ALARMED if self.alarms else WELL

    def text(self) -> str:
        """Return it for a person."""
        lines = [f"{'ok     ' if check.good else 'FAILING'} {check.name}" for check in self.checks]
        lines += [f"ALARM   {alarm_sentence(row.alarm)}" for row in self.alarms]
        return "\n".join(lines)

    def json(self) -> str:
        """Return it for a program."""
        return json.dumps(
            {
                "ready": self.status != FAILING,
                "checks": {check.name: check.good for check in self.checks},
                "alarms": [
                    {
                        "alarm": row.alarm.kind.value,
                        "about": row.alarm.about,
                        "raised_at": row.raised_at.isoformat(),
                    }
                    for row in self.alarms
                ],
            }
        )


def look() -> Found:
    """Look at the database, the keys, the worker's sign of life, and whether portal and door are open."""
    node = settings.NODE
    checks = readiness(every_s=node.watch.every_s)
    alarms = queries.open_alarms() if checks[0].good and checks[1].good else ()
    doors = (Check("portal", _open(node.portal_listen)), Check("door", _open(node.door_listen)))
    return Found((*checks, *doors), alarms)


def _open(address: Address) -> bool:
    """Say whether somebody accepts connections where this node's server listens."""
    host = {"0.0.0.0": "127.0.0.1", "[::]": "::1"}.get(address.host, address.host.strip("[]"))  # noqa: S104 - recognised, not bound to
    try:
        socket.create_connection((host, address.port), timeout=_CONNECT).close()
    except OSError:
        return False
    return True
