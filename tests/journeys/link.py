"""The network between two nodes, as a test can have it: whole, slow, cut, or answering nonsense."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

NONSENSE = b"HTTP/1.1 418 I am not your peer\r\n\r\n"
_PIECE = 1 << 14


class Link:
    """A TCP forwarder before one door; it sees only the bytes of TLS, as any network does."""

    def __init__(self) -> None:
        self.target = 0
        """The door's own port on 127.0.0.1."""
        self.delay = 0.0
        """Seconds by which each piece is late, in both directions."""
        self.port = 0
        """Where the peer finds it."""
        self.accepted = 0
        """How many connections were asked for so far."""
        self._whole = True
        self._nonsense = False
        self._left: int | None = None
        self._left_answered: int | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True, name="link")
        self._thread.start()
        ready.wait(60)

    def mend(self) -> None:
        """Forward everything again, as it comes; connections that were spoilt end."""
        spoilt = not self._whole or self._nonsense or self._left_answered is not None
        self._whole, self._nonsense, self.delay = True, False, 0.0
        self._left = self._left_answered = None
        if spoilt:
            self._drop_all()

    def cut(self) -> None:
        """End every connection and refuse new ones, until ``mend``."""
        self._whole = False
        self._drop_all()

    def drop(self) -> None:
        """End every connection once; new ones are welcome."""
        self._drop_all()

    def cut_after(self, size: int) -> None:
        """Let ``size`` more bytes go to the door, then cut."""
        self._left = size

    def lose_answers(self, *, after: int) -> None:
        """Once ``after`` more bytes have gone to the door, drop what it says, until ``mend``."""
        self._left_answered = after

    def talk_nonsense(self) -> None:
        """Answer every connection with something that is not TLS, until ``mend``."""
        self._nonsense = True
        self._drop_all()

    @property
    def is_cut(self) -> bool:
        """Whether nothing passes."""
        return not self._whole

    def close(self) -> None:
        """Stop for good; doing it twice is harmless."""
        if self._loop.is_closed():
            return
        self._drop_all()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    def _drop_all(self) -> None:
        done = threading.Event()

        def drop() -> None:
            for writer in list(self._writers):
                writer.transport.abort()
            done.set()

        self._loop.call_soon_threadsafe(drop)
        done.wait(60)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if not self._whole:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            if self._nonsense:
                await reader.read(_PIECE)
                writer.write(NONSENSE)
                await writer.drain()
                return
            door_reader, door_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        finally:
            if self._nonsense:
                self._writers.discard(writer)
                writer.close()
        self._writers.add(door_writer)
        try:
            await asyncio.gather(
                self._forward(reader, door_writer, to_door=True),
                self._forward(door_reader, writer, to_door=False),
            )
        finally:
            for each in (writer, door_writer):
                self._writers.discard(each)
                each.close()

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, to_door: bool
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(_PIECE):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if to_door and self._left is not None:
                    data = data[: self._left]
                    self._left -= len(data)
                if to_door and self._left_answered is not None:
                    self._left_answered = max(0, self._left_answered - len(data))
                if to_door or self._left_answered != 0:
                    writer.write(data)
                    await writer.drain()
                if self._left == 0:
                    self._left, self._whole = None, False
                    for each in list(self._writers):
                        each.close()
        with suppress(OSError):
            writer.close()
