"""Errors about things that have names in three scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kouan.core.errors import KouanError

if TYPE_CHECKING:
    from kouan.core.errors import Param
    from kouan.core.text import Localised


class NamedError(KouanError):
    """An error whose ``%(name)s`` is read in the reader's language; ``params`` holds it in English."""

    def __init__(self, subject: Localised, **params: Param) -> None:
        super().__init__(name=subject.en, **params)
        self._subject = subject

    def __str__(self) -> str:
        """Return the message with the subject's name, both in the active language."""
        return str(self.message) % {**self.params, "name": str(self._subject)}
