"""What every test shares; the node itself is made in ``own_node.py``."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.db.models.signals import post_migrate
from django.test import override_settings
from django.utils import translation
from hypothesis import HealthCheck, settings

from kouan.core.exchange import refusals
from own_node import SERVER

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
TWICE = os.environ.get("KOUAN_TEST_TWICE") == "1"
STRICT = os.environ.get("KOUAN_TEST_STRICT") == "1"
ALONE = {"browser": "browser", "faults": "faults" if SERVER else "programs", "journeys": "programs"}
"""Folders whose tests start programs of their own, and the one worker that those of a name share.

Without a server browsers keep the other worker busy as long.
"""

# No account of a test is worth guarding; the product's own way of keeping passwords takes a second each.
override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]).enable()

# A law holds or does not; how long one example takes says how busy the machine is.
settings.register_profile("kouan", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kouan")


def pytest_sessionstart() -> None:
    """Leave the table of permissions empty: Kouan asks for roles, and to fill it takes its time."""
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    elsewhere = [item for item in items if not _belongs_here(item)]
    if elsewhere:
        items[:] = [item for item in items if _belongs_here(item)]
        config.hook.pytest_deselected(items=elsewhere)
    for item in items:
        group = ALONE.get(item.path.relative_to(HERE).parts[0])
        if group is not None and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(group))
    yield
    # However they were shuffled: a long group that began last would leave the other workers with nothing.
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


def _belongs_here(item: pytest.Item) -> bool:
    """Return whether a test says something in this pass (``tools/passes.py``).

    On PostgreSQL that is what reaches a database at all, and of what starts whole nodes what is marked so.
    """
    if not SERVER:
        return item.get_closest_marker("postgresql") is None
    if item.get_closest_marker("sqlite") is not None:
        return False
    if item.path.relative_to(HERE).parts[0] in ALONE:
        return TWICE or item.get_closest_marker("twice") is not None
    reaches = {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
    marked = any(map(item.get_closest_marker, ("django_db", "postgresql", "xdist_group")))
    return bool(reaches) or marked


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to go on if programs would be started by several workers at a time: the server has no room."""
    if getattr(session.config.option, "loadgroup", False):
        lost = [item for item in session.items if item.get_closest_marker("xdist_group")]
        lost = [item.nodeid for item in lost if "@" not in item.nodeid]
        if lost:
            raise pytest.UsageError(f"pytest-xdist does not see the group of {lost[0]}")


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Begin each test in English: a page that the one before asked for may have left another language."""
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def _nothing_held_back() -> None:
    """Begin each test with nothing to tell of messages that the one before was not let send."""
    refusals.forget_held_back()


@pytest.fixture(scope="session")
def django_db_modify_db_settings_parallel_suffix() -> None:
    """Every worker's database has a name of its own, or is in its own memory: nothing to keep apart."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    return (yield from _without_the_browsers_loop(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    return (yield from _without_the_browsers_loop(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    return (yield from _without_the_browsers_loop(item))


def _without_the_browsers_loop(item: pytest.Item) -> Iterator[None]:
    """Hide the event loop that a browser keeps between its tests from the others on the same worker."""
    loop = asyncio._get_running_loop()
    if loop is None or item.path.relative_to(HERE).parts[0] == "browser":
        return (yield)
    asyncio._set_running_loop(None)
    try:
        return (yield)
    finally:
        asyncio._set_running_loop(loop)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    report = yield
    return _no_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    report = yield
    return _no_skip(report)


def _no_skip(report):
    """Make a skip a failure where everything that tests need is promised to be there."""
    if STRICT and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason} (KOUAN_TEST_STRICT=1 makes a skip a failure)"
    return report
