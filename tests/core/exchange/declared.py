"""The payload of the tests' own declarations."""

from __future__ import annotations

from typing import Annotated

from annotated_types import MaxLen

from kouan.core.exchange import Payload


class Note(Payload):
    text: Annotated[str, MaxLen(100_000)]
