"""A person who has a keyboard and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

FARTHEST = 120
"""Presses of the tabulator, after which something counts as out of reach."""
FOCUSED = "at => document.activeElement.matches(at)"
SEEN = """() => {
  const box = document.activeElement.getBoundingClientRect();
  return document.activeElement.checkVisibility() && box.bottom > 0 && box.top < innerHeight;
}"""


@dataclass(frozen=True)
class Keyboard:
    """The keys, on the page that is open."""

    page: Page

    def press(self, *names: str) -> None:
        """Press keys, one after the other."""
        for name in names:
            self.page.keyboard.press(name)

    def to(self, selector: str) -> None:
        """Walk to something with the tabulator, as far as the page goes; it must be seen there."""
        for _ in range(FARTHEST):
            if self.page.evaluate(FOCUSED, selector):
                assert self.page.evaluate(SEEN), f"{selector} has the focus and cannot be seen"
                return
            self.press("Tab")
        raise AssertionError(f"{selector} cannot be reached")

    def fill(self, selector: str, words: str) -> None:
        """Write something where something else may stand."""
        self.to(selector)
        self.press("Control+a")
        self.page.keyboard.type(words)

    def choose(self, selector: str, beginning: str) -> None:
        """Choose of a list what begins so."""
        self.to(selector)
        self.page.keyboard.type(beginning)

    def tick(self, selector: str) -> None:
        """Tick a box, or take the tick away."""
        self.to(selector)
        self.press("Space")

    def enter(self, selector: str, then: str) -> None:
        """Press a button or follow a link, and wait for the page that it leads to (a pattern)."""
        self.to(selector)
        self.press("Enter")
        self.page.wait_for_url(then)
