"""Hong Kong's node in this process, with an agreement on files; Guangdong is known to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kouan import demo
from kouan.config import BlobSettings
from kouan.core.exchange import outbox
from kouan.core.trust.own import load
from kouan.core.trust.queries import forget_members
from kouan.core.trust.services import import_document
from kouan.core.trust.store import KeyStore


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    home = tmp_path_factory.mktemp("files")
    for side in ("hk", "gd"):
        KeyStore.create(home / side, side, hosts=("127.0.0.1",))
    return home


@pytest.fixture
def node(settings, db, keys, tmp_path):
    forget_members()
    outbox._waiting._counts.clear()
    settings.NODE = replace(
        settings.NODE,
        keys=keys / "hk",
        agreements=Path(demo.__file__).parent / "agreements",
        run=tmp_path / "run",
        blobs=BlobSettings(min_free_bytes=0),
        blobs_folder=tmp_path / "blobs",
    )
    other = load(keys / "gd", side="gd", door_url="https://127.0.0.1:18201")
    import_document(other.document, expected_fingerprint=other.fingerprint, imported_by="tests")
    yield settings.NODE
    forget_members()
