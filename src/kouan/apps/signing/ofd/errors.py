"""The one error of reading OFD: whatever a file holds, nothing else comes out of its readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from kouan.apps.signing.ofd.labels import PROBLEMS
from kouan.core.errors import KouanError

if TYPE_CHECKING:
    from kouan.apps.signing.ofd.codes import Problem


class UnreadableOfd(KouanError):
    """A file that is no OFD document, or none that is safe to read."""

    code = "unreadable-ofd"
    status = 422
    message = _("This OFD document cannot be read: %(detail)s Ask whoever issued it for a sound copy.")

    def __init__(self, problem: Problem, part: str = "") -> None:
        self.problem = problem
        self.part = part
        super().__init__(problem=str(problem), part=part)

    def __str__(self) -> str:
        """Return the message in the active language, with what is wrong and in which part."""
        detail = str(PROBLEMS[self.problem]) % {"part": self.part}
        return str(self.message) % {"detail": detail}
