"""A lane of their own for requests that need no page: answered in turn, and together if they wait together.

Threads that do the same work at once mostly wait for one another: for the interpreter, and on SQLite for the
one writer's place. So SQLite has one thread here, which takes all that has come meanwhile into one
transaction: the disk is waited for once. PostgreSQL, where somebody else may hold a row, has a few, each with
one request at a time.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from django.db import close_old_connections, transaction

from kouan.core.database.rows import engine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

    from kouan.node.intake import Message

    Environ = MutableMapping[str, Any]
    Messages = list[Message] | None
    Waiting = tuple[Environ, asyncio.Future[Messages]]

log = logging.getLogger(__name__)

TOGETHER: Final = 16
"""Requests that share a commit at the most."""
THREADS: Final = 4


class Lane:
    """Answers what comes for some addresses. ``answerers`` say nothing to what is for Django after all."""

    def __init__(self, answerers: Mapping[str, Callable[[Environ], Messages]]) -> None:
        self._answerers = answerers
        self._waiting: SimpleQueue[Waiting] = SimpleQueue()

    def start(self) -> None:
        """Begin, in the process that answers."""
        threads, together = (1, TOGETHER) if engine() == "sqlite" else (THREADS, 1)
        for number in range(threads):
            threading.Thread(target=self._run, args=(together,), name=f"lane-{number}", daemon=True).start()

    def takes(self, path: str) -> bool:
        """Say whether requests for an address come here first."""
        return path in self._answerers

    async def answer(self, environ: Environ) -> Messages:
        """Answer a request (PEP 3333); nothing for what Django is to answer."""
        future: asyncio.Future[Messages] = asyncio.get_running_loop().create_future()
        self._waiting.put((environ, future))
        return await future

    def _run(self, together: int) -> None:
        while True:
            group = [self._waiting.get()]
            while len(group) < together:
                try:
                    group.append(self._waiting.get_nowait())
                except Empty:
                    break
            answers = self._answers([environ for environ, _ in group])
            told = [(future, answer) for (_, future), answer in zip(group, answers, strict=True)]
            try:
                group[0][1].get_loop().call_soon_threadsafe(_tell, told)
            except RuntimeError:  # the server has stopped: nobody waits any more
                return

    def _answers(self, group: list[Environ]) -> list[Messages]:
        """Return what is said to each; whatever goes wrong, somebody waits for it."""
        try:
            close_old_connections()
            if len(group) > 1:
                try:
                    return self._together(group)
                except Exception:
                    log.exception("nothing of a group was kept; each request is answered by itself")
            return [self._alone(environ) for environ in group]
        except BaseException:
            log.exception("the lane failed; Django is asked")
            return [None] * len(group)
        finally:
            _lend()

    def _together(self, group: list[Environ]) -> list[Messages]:
        with transaction.atomic():
            answers = [self._answered(environ) for environ in group]
            if transaction.get_rollback():  # would end without a word, and with nothing kept
                raise transaction.TransactionManagementError
        return answers

    def _alone(self, environ: Environ) -> Messages:
        try:
            return self._answered(environ)
        except Exception:
            log.exception("the lane failed; Django is asked")
            return None

    def _answered(self, environ: Environ) -> Messages:
        return self._answerers[environ["PATH_INFO"]](environ)


def _lend() -> None:
    """Let others have the session of the database; what was answered stays answered."""
    try:
        close_old_connections()
    except Exception:
        log.exception("a session of the database could not be given back")


def _tell(told: list[tuple[asyncio.Future[Messages], Messages]]) -> None:
    for future, answer in told:
        if not future.done():  # whoever asked may have left
            future.set_result(answer)
