"""``kouan up`` on ports of a test's own: ``python -m journeys.up HOME PORTAL DOOR PORTAL DOOR [--reset]``."""

from __future__ import annotations

import sys
from pathlib import Path

from kouan.demo.up import run_both

if __name__ == "__main__":
    hk_portal, hk_door, gd_portal, gd_door = map(int, sys.argv[2:6])
    ports = {"hk": (hk_portal, hk_door), "gd": (gd_portal, gd_door)}
    sys.exit(run_both(Path(sys.argv[1]), reset="--reset" in sys.argv, ports=ports))
