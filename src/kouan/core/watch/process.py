"""How a process of the node begins to be watched."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

from kouan.core.watch import listener, logs, traces

if TYPE_CHECKING:
    from kouan.config import NodeConfig


def begin(process: str, node: NodeConfig) -> None:
    """Log, count and trace as the node's settings say; raises ``TracingNotInstalled``."""
    watch = node.watch
    logs.configure(process, node.side, "json" if watch.logs == "json" else "text")
    if watch.traces:
        traces.start(process, node.side, node.home / watch.traces, watch.traces_share)
        atexit.register(traces.stop)
    if watch.listen is not None:
        listener.listen(process, node.side, watch.listen)
