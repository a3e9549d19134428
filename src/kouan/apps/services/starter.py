"""The starter catalogue: services made up after real ones, for demonstrations."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from kouan.apps.services.definition.reading import Source, from_folder


def folders(side: str) -> list[Path]:
    """Return the folders of a side's starter services, by name; none for a side that has none."""
    home = Path(str(resources.files("kouan.apps.services"))) / "data" / "starter" / side
    return sorted(path for path in home.iterdir() if path.is_dir()) if home.is_dir() else []


def starter(side: str) -> dict[str, Source]:
    """Return the starter services of a side, by name."""
    return {folder.name: from_folder(folder) for folder in folders(side)}
