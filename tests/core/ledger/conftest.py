"""Keys, and a shorthand to put bodies on record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import transaction

from kouan.core.ledger import services
from kouan.core.ledger.notes import Ed25519Cosigner, Ed25519NoteSigner, log_name, witness_name

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 10, 1, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def log_signer() -> Ed25519NoteSigner:
    return Ed25519NoteSigner(log_name("hk"), Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


@pytest.fixture(scope="session")
def cosigner() -> Ed25519Cosigner:
    return Ed25519Cosigner(witness_name("gd"), Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64))))


@pytest.fixture
def record() -> Callable[[int], services.Appended]:
    """Append this many small records in one transaction."""

    def append(count: int) -> services.Appended:
        with transaction.atomic():
            return services.append([services.Record("test", b"body %d" % at) for at in range(count)])

    return append
