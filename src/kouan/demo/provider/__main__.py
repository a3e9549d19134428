"""Runs a side's demonstration provider where its ``[[home]]`` says that it is."""

from __future__ import annotations

import sys

from kouan.config import ConfigError, NodeConfig, load_from_environment
from kouan.demo import website
from kouan.sections import DEMONSTRATION_KIND, HomeSettings


def main() -> int:
    """Serve until SIGTERM; returns the exit status."""
    try:
        home = demonstration_home(load_from_environment())
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    website.configure(app="kouan.demo.provider", name="provider", origin=home.issuer.rstrip("/"))
    website.serve(home.issuer)
    return 0


def demonstration_home(node: NodeConfig) -> HomeSettings:
    """Return the provider that this node's settings name; raises ``ConfigError`` where there must be none."""
    if not node.demonstration:
        raise ConfigError(
            "This node is not a demonstration: a provider that lets anybody be anybody does not start for it."
        )
    for home in node.homes:
        if home.kind == DEMONSTRATION_KIND:
            return home
    raise ConfigError(f"No [[home]] of {node.home / 'node.toml'} is of the kind {DEMONSTRATION_KIND!r}.")


if __name__ == "__main__":
    sys.exit(main())
