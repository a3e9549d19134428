"""Prints figures as a table and keeps them as JSON, for every benchmark alike."""

from __future__ import annotations

import json
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def figures(name: str, values: dict[str, float]) -> None:
    """Print ``values`` and write them to ``results/NAME.json`` as one flat object."""
    RESULTS.mkdir(exist_ok=True)
    rounded = {key: float(f"{value:.4g}") for key, value in values.items()}
    (RESULTS / f"{name}.json").write_text(json.dumps(rounded, indent=2) + "\n", encoding="utf-8")
    width = max(map(len, rounded))
    print(f"\n{name}")
    for key, value in rounded.items():
        print(f"  {key:<{width}}  {value:>12,.6g}")
