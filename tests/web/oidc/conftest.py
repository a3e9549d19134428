from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kouan.web import oidc
from oidc_peers import Hostile

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    oidc.forget()
    yield
    oidc.forget()


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    provider = Hostile()
    yield provider
    provider.close()
