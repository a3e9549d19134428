"""The sides' colours as a style sheet: sides are data, so a further one brings its accent with it."""

from __future__ import annotations

import hashlib
from functools import cache

from kouan.core.sides import all_sides


@cache
def stylesheet() -> str:
    """Return one rule a side: whatever stands inside ``data-side="CODE"`` has that side's accent and tint."""
    return "".join(
        f'[data-side="{side.code}"]{{--side-accent:{side.accent.colour};--side-tint:{side.accent.tint}}}\n'
        for side in all_sides()
    )


@cache
def stylesheet_version() -> str:
    """Return the style sheet's version for its address: 16 hexadecimal digits."""
    return hashlib.sha256(stylesheet().encode()).hexdigest()[:16]
