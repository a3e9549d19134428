"""What a record was read with: the rules, the dictionaries and the model of this node."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from pathlib import Path

from django.conf import settings

from kouan.apps.programme.records.reading import dictionary


def words() -> dictionary.Dictionary:
    """Return the dictionary of this node: the package's with its own. Raises ``BadDictionary``."""
    return dictionary.of_node(Path(settings.NODE.home))


def rules_now() -> str:
    """Return what the rules, the dictionaries and the model of this node are known by: sixteen characters."""
    model = settings.NODE.programme.model
    return _rules(Path(settings.NODE.home), f"{model.url} {model.name}" if model else "")


@cache
def _rules(home: Path, model: str) -> str:
    digest = hashlib.sha256(model.encode())
    package = resources.files("kouan.apps.programme")
    for folder in (package / "records" / "reading", package / "data"):
        for file in sorted(folder.iterdir(), key=lambda each: each.name):
            if file.name.endswith((".py", ".toml")):
                digest.update(file.name.encode() + file.read_bytes())
    own = home / "programme"
    for path in sorted(own.glob("*.toml")) if own.is_dir() else ():
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]
