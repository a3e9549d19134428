"""``kouan up`` on ports of a test's own: ``python -m journeys.up HOME PORT… [--reset]``, four ports a side.

Of each side those of its portal, its door, its provider and its service.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kouan.demo.up import run_both

if __name__ == "__main__":
    ports = list(map(int, sys.argv[2:10]))
    of = {"hk": ports[:4], "gd": ports[4:]}
    sys.exit(
        run_both(
            Path(sys.argv[1]),
            reset="--reset" in sys.argv,
            ports={side: (each[0], each[1]) for side, each in of.items()},
            providers={side: each[2] for side, each in of.items()},
            services={side: each[3] for side, each in of.items()},
        )
    )
