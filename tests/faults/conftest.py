"""Faults need root and a few tools of the machine; what earlier, killed runs left is removed first."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from faults import space
from journeys.nodes import say

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.faults)


@pytest.fixture(scope="session")
def machines() -> None:
    """Skip where machines cannot be made, and begin where no run has left anything."""
    lacking = space.missing()
    if lacking:
        pytest.skip(f"faults: {lacking}")
    for run in space.sweep():
        say(f"removed what {run} left behind")


@pytest.fixture
def seed() -> int:
    """The seed of this run's accidents; SEED=… repeats one."""
    number = int(os.environ.get("SEED") or secrets.randbelow(1_000_000))
    say(f"SEED={number}")
    return number
