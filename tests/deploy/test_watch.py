"""The dashboard and the alerts that are handed out name only what a node tells."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from kouan.apps.operations.alarms import AlarmKind
from kouan.core.watch import meters

FOLDER = Path(__file__).resolve().parents[2] / "deploy/watch"
NAME = re.compile(r"\bkouan_[a-z_]+\b")
OTHERS = {"up", "process_resident_memory_bytes"}
"""Prometheus's own, and the client's."""


def told() -> set[str]:
    """Return every name under which a series of ours may appear."""
    ends = {
        "counter": ("_total",),
        "histogram": ("_bucket", "_sum", "_count"),
        "gauge": ("",),
        "info": ("_info",),
    }
    return {
        family.name + end
        for registry in (meters.REGISTRY, meters.FIGURES)
        for family in registry.collect()
        for end in ends.get(family.type, ("",))
    }


def expressions() -> list[str]:
    dashboard = json.loads((FOLDER / "grafana.json").read_text("utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = (FOLDER / "alerts.yml").read_text("utf-8")
    return asked + re.findall(r"^\s+expr: (.+)$", rules, flags=re.MULTILINE)


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_that_is_asked_for_exists(expression: str) -> None:
    names = set(NAME.findall(expression)) - OTHERS
    assert names or OTHERS & set(re.findall(r"\w+", expression)), "it asks for nothing"
    assert names <= told()


def test_every_alarm_that_is_named_exists() -> None:
    kinds = {kind.value for kind in AlarmKind}
    for expression in expressions():
        for named in re.findall(r'alarm=~?"([^"]+)"', expression):
            assert set(named.split("|")) <= kinds


def test_what_the_dashboard_leaves_out_is_little() -> None:
    shown = set().union(*(NAME.findall(expression) for expression in expressions()))
    families = {re.sub(r"_(total|bucket|sum|count|info)$", "", name) for name in told() if "kouan_" in name}
    missing = {name for name in families if not any(each.startswith(name) for each in shown)}
    assert missing == {
        "kouan_batch_received_bytes",
        "kouan_batch_sent_bytes",
        "kouan_build",
        "kouan_checkpoint_timestamp_seconds",
        "kouan_door_request_seconds",
        "kouan_equivocations",
        "kouan_incidents",
    }


def test_the_ports_are_those_of_the_processes() -> None:
    from kouan.core.watch.listener import PORTS  # noqa: PLC0415 - the other tests here need no listener

    text = (FOLDER / "prometheus.yml").read_text("utf-8")
    found = re.findall(r'"127\.0\.0\.1:(\d+)"\]\s+labels: \{process: (\w+)\}', text)
    assert {process: int(port) - int(found[0][0]) for port, process in found} == PORTS
