"""A process of a node that does what a test asks: calls functions of ``journeys.inside``, one by one.

Starting Python and Django costs a second; this pays it once a node.
"""

from __future__ import annotations

import gc
import os
import pickle
import sys
import traceback

import django


def main() -> None:
    """Answer ``(function, args, kwargs)`` with ``(whether it returned, value or traceback)``, to the end."""
    questions = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not get into the answers
    gc.disable()  # what is loaded stays
    django.setup()
    gc.enable()
    while True:
        try:
            function, args, kwargs = pickle.load(questions)  # noqa: S301 - comes from the test that started us
        except EOFError:
            return
        try:
            answer = (True, function(*args, **kwargs))
        except Exception:  # noqa: BLE001 - the test is told, whatever it was
            answer = (False, traceback.format_exc())
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
