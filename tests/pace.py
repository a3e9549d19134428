"""How patient a test is on this machine."""

import functools
import time

REFERENCE = 0.4
"""Seconds that the sum below takes on a machine on which the tests' limits were set."""


@functools.cache
def slowness() -> float:
    """How many times as long as on that machine the same sum takes here: at least 1."""
    began = time.process_time()
    sum(i * i for i in range(5_000_000))
    return max(1.0, (time.process_time() - began) / REFERENCE)


def patience(seconds: float) -> float:
    """So many seconds of that machine, in seconds of this one.

    For limits that tell work that ran away from work that is done; a promise in seconds is held to a
    multiple of itself, so that a machine with other work to do does not break it.
    """
    return seconds * slowness()
