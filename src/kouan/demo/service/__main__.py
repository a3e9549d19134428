"""Runs a side's demonstration service where its file says that it is."""

from __future__ import annotations

import sys

from kouan.config import ConfigError, NodeConfig, load_from_environment
from kouan.demo import website
from kouan.demo.services import SERVICE_FILE, origin_of


def main() -> int:
    """Serve until SIGTERM; returns the exit status."""
    try:
        origin = demonstration_origin(load_from_environment())
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    website.configure(app="kouan.demo.service", name="service", origin=origin)
    website.serve(origin)
    return 0


def demonstration_origin(node: NodeConfig) -> str:
    """Return where the service of this node is; raises ``ConfigError`` where there must be none."""
    if not node.demonstration:
        raise ConfigError(
            "This node is not a demonstration: a service that is made up does not start for it."
        )
    origin = origin_of(node.home)
    if not origin:
        raise ConfigError(f"{node.home / SERVICE_FILE} is not there; `kouan up` makes it.")
    return origin


if __name__ == "__main__":
    sys.exit(main())
