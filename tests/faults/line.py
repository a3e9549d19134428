"""The line between two network namespaces, packet by packet: late, lost, twice, out of turn, damaged, cut.

A TUN device stands in each namespace; what the kernel of one side sends comes here as whole IP packets,
and goes on to the other side as the weather of the moment has it. The kernel's own netem would do most
of this, but is not in every kernel; and it cannot damage what TCP's checksum then still believes.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import random
import selectors
import struct
import subprocess
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from faults import space

if TYPE_CHECKING:
    from collections.abc import Mapping

DEVICE = "kouan0"
MTU = 1500
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_HELD_AT_MOST = 20_000
"""Packets that may be under way at once; beyond it they are lost, as in a router."""


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to packets; probabilities from 0 to 1, times in seconds."""

    cut: tuple[str, ...] = ()
    """The sides from which nothing comes through."""
    delay: float = 0.0
    jitter: float = 0.0
    """Each packet is late by up to so much more, so that later ones overtake it."""
    lose: float = 0.0
    duplicate: float = 0.0
    damage: float = 0.0
    """A byte of the content is changed."""
    deceive: bool = False
    """Whether damage comes with a TCP checksum that fits it, so that only TLS can notice."""


FAIR = Weather()


class PacketLine:
    """Two sides' devices and the packets between them; a context manager."""

    def __init__(self, namespaces: Mapping[str, str], addresses: Mapping[str, str], seed: int) -> None:
        self.weather = FAIR
        self.seen: Counter[str] = Counter()
        """How many packets passed, and what happened to them."""
        self._chance = random.Random(seed)  # noqa: S311 - accidents keep no secret
        self._devices: dict[str, int] = {}
        for side, namespace in namespaces.items():
            self._devices[side] = space.inside(namespace, _open_device)
            for command in (
                f"addr add {addresses[side]} dev {DEVICE}",
                f"link set {DEVICE} mtu {MTU} up",
            ):
                subprocess.run(["ip", "-n", namespace, *command.split()], check=True, capture_output=True)
        one, other = self._devices
        self._other = {one: other, other: one}
        self._waiting: list[tuple[float, int, str, bytes]] = []
        self._number = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="line")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(60)
        for device in self._devices.values():
            os.close(device)

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for side, device in self._devices.items():
                selector.register(device, selectors.EVENT_READ, side)
            while not self._ended.is_set():
                pause = min(0.1, self._waiting[0][0] - time.monotonic()) if self._waiting else 0.1
                for key, _ in selector.select(max(pause, 0)):
                    self._take(key.data, key.fd)
                self._deliver()

    def _take(self, side: str, device: int) -> None:
        for _ in range(64):  # then the other side has its turn
            try:
                packet = os.read(device, 65536)
            except BlockingIOError:
                return
            self.seen["sent"] += 1
            self._pass(side, packet)

    def _pass(self, side: str, packet: bytes) -> None:
        weather, chance = self.weather, self._chance
        if side in weather.cut or chance.random() < weather.lose or len(self._waiting) > _HELD_AT_MOST:
            self.seen["lost"] += 1
            return
        copies = 1
        if chance.random() < weather.duplicate:
            self.seen["doubled"] += 1
            copies = 2
        if chance.random() < weather.damage:
            self.seen["damaged"] += 1
            packet = damaged(packet, chance, deceive=weather.deceive)
        for _ in range(copies):
            self._number += 1
            late = weather.delay + chance.uniform(0, weather.jitter)
            heapq.heappush(self._waiting, (time.monotonic() + late, self._number, self._other[side], packet))

    def _deliver(self) -> None:
        now = time.monotonic()
        last = 0
        while self._waiting and self._waiting[0][0] <= now:
            _, number, to, packet = heapq.heappop(self._waiting)
            self.seen["overtaken"] += number < last
            last = max(last, number)
            with suppress(OSError):  # the device's queue is full, or it is down
                os.write(self._devices[to], packet)


def damaged(packet: bytes, chance: random.Random, *, deceive: bool) -> bytes:
    """Return an IPv4 packet with one byte of its TCP content changed (of anything, if it has no content).

    With ``deceive`` the TCP checksum is brought up to date (RFC 1624), as a faulty router's would be.
    """
    data = bytearray(packet)
    head = (data[0] & 0x0F) * 4
    is_tcp = data[0] >> 4 == 4 and data[9] == 6 and len(data) >= head + 20
    start = head + (data[head + 12] >> 4) * 4 if is_tcp else 0
    if start >= len(data):
        start = head
    at = chance.randrange(start, len(data))
    pair = (at - head) & ~1
    before = _word(data, head + pair)
    data[at] ^= 1 << chance.randrange(8)
    if deceive and is_tcp and start > head:
        place = head + 16
        total = (~_word(data, place) & 0xFFFF) + (~before & 0xFFFF) + _word(data, head + pair)
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        struct.pack_into("!H", data, place, ~total & 0xFFFF)
    return bytes(data)


def _word(data: bytearray, at: int) -> int:
    return data[at] << 8 | (data[at + 1] if at + 1 < len(data) else 0)


def _open_device() -> int:
    """Make the TUN device in the namespace of this thread; it is gone when the handle is closed."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), _IFF_TUN | _IFF_NO_PI))
    return device
