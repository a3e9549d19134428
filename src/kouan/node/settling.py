"""What a process does with its memory once it has loaded everything that it will live with."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator


def settle() -> None:
    """Have the garbage collector leave alone what lives as long as the process, and look less often.

    Batches make many small objects and hardly a cycle.
    """
    complete_shapes()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def complete_shapes() -> None:
    """Build all that checks payloads and texts now, which a command leaves until it needs some of it.

    A process that serves has threads, and two of them would build the same at a time.
    """
    for shape in set(_below(BaseModel)):
        shape.model_rebuild()


def _below(shape: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for each in shape.__subclasses__():
        yield each
        yield from _below(each)
