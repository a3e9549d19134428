"""Gives a demonstration node a home provider of its own (``kouan.demo.provider``), and runs it beside it."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Final

from kouan.core.sides import get_side
from kouan.demo.provider.people import AUTHENTICATION, issues, levels_of
from kouan.node.layout import SECRET_FILE
from kouan.node.supervisor import Process

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from kouan.demo.nodes import DemonstrationNode

ISSUER_TOKEN: Final = "KOUAN_ISSUER_TOKEN"  # noqa: S105 - the name of a variable, not the token


def give_provider(path: Path, side: str, port: int) -> None:
    """Let a demonstration node's residents sign in at a provider on this port."""
    file = path.parent / SECRET_FILE
    if ISSUER_TOKEN not in file.read_text(encoding="utf-8"):
        with file.open("a", encoding="utf-8") as lines:
            lines.write(f"{ISSUER_TOKEN}={secrets.token_urlsafe(32)}\n")
    with path.open("a", encoding="utf-8") as settings:
        settings.write(_settings(side, f"http://127.0.0.1:{port}"))


def providers_of(nodes: Iterable[DemonstrationNode]) -> list[Process]:
    """Return the processes of the nodes' demonstration providers, for a supervisor."""
    return [
        Process(node.path, "provider", node.config.run / "provider.log", module="kouan.demo.provider")
        for node in nodes
        if node.config.homes
    ]


def _settings(side: str, issuer: str) -> str:
    name = get_side(side).name
    names = {
        "en": f"{name.en} identity (demonstration)",
        "zh-hant": f"{name.zh_hant}身份（示範）",
        "zh-hans": f"{name.zh_hans}身份（示范）",
    }
    lines = [
        "",
        "[[home]]",
        'id = "demonstration"',
        'kind = "demonstration"',
        f"name = {_inline(names)}",
        f'issuer = "{issuer}"',
        f'client_id = "kouan-{side}"',
        f"levels = {_inline(levels_of(side))}",
        f"authentication = {_inline(AUTHENTICATION)}",
    ]
    if issues(side):
        lines += ["", "[issuer]", f'url = "{issuer}/issuer/match"', f'token_env = "{ISSUER_TOKEN}"']
    return "\n".join(lines) + "\n"


def _inline(values: Mapping[str, str | int]) -> str:
    """Return an inline table of TOML; texts are written as JSON writes them."""
    pairs = (f"{json.dumps(key)} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())
    return f"{{ {', '.join(pairs)} }}"
