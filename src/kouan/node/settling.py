"""What a process does with its memory once it has loaded everything that it will live with."""

from __future__ import annotations

import gc


def settle() -> None:
    """Have the garbage collector leave alone what lives as long as the process, and look less often.

    Batches make many small objects and hardly a cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
