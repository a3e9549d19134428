"""A histogram that takes many values at once: what the hot path can pay for each message."""

from __future__ import annotations

import threading
from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Spread(Collector):
    """How values spread over ``bounds``, apart for each value of one label.

    A whole batch is added under one lock; the client's own histogram takes a lock for each value.
    """

    def __init__(self, name: str, text: str, label: str, bounds: Sequence[float]) -> None:
        self._name, self._text, self._label = name, text, label
        self._bounds = tuple(bounds)
        self._rows: dict[str, tuple[list[int], list[float]]] = {}
        self._lock = threading.Lock()

    def add(self, who: str, values: Iterable[float]) -> None:
        """Count values under the label's value ``who``."""
        bounds = self._bounds
        with self._lock:
            counts, total = self._rows.setdefault(who, ([0] * (len(bounds) + 1), [0.0]))
            for value in values:
                counts[bisect_left(bounds, value)] += 1
                total[0] += value

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """Return the histogram as Prometheus takes it."""
        family = HistogramMetricFamily(self._name, self._text, labels=[self._label])
        edges = [*map(str, map(float, self._bounds)), "+Inf"]
        with self._lock:
            rows = {who: (list(counts), total[0]) for who, (counts, total) in self._rows.items()}
        for who, (counts, total) in sorted(rows.items()):
            buckets = list(zip(edges, map(float, accumulate(counts)), strict=True))
            family.add_metric([who], buckets=buckets, sum_value=total)
        return [family]
