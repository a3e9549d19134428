"""Fills the pages of the joint work plan on a fresh demonstration (``python -m kouan.demo.plans``).

Each side's node does its own part with its own keys, at the same time as the other's: Hong Kong proposes the
plan of the year in today's five areas, Guangdong signs it, and both report. All of it is made up and says so.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import django

from kouan.demo.nodes import node_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from kouan.apps.programme.models import Version
    from kouan.demo.nodes import DemonstrationNode

MARK: Final = "plan.made"
"""In a node's run folder: its part was done, and is not looked at again."""
OFFICERS: Final = {"hk": "CHEUNG Mei Ling, Programme Officer", "gd": "HUANG Jing, Programme Officer"}
_PATIENCE: Final = 120.0
_OWNERS: Final = {
    "gd": {
        "en": "Department on duty (demonstration)",
        "zh_hant": "負責部門（示範）",
        "zh_hans": "负责部门（示范）",
    },
    "hk": {
        "en": "Bureau on duty (demonstration)",
        "zh_hant": "負責政策局（示範）",
        "zh_hans": "负责政策局（示范）",
    },
}


def _words(en: str, hant: str, hans: str) -> dict[str, str]:
    return {"en": en, "zh_hant": hant, "zh_hans": hans}


_COUNT: Final = _words("items", "項", "项")
_AREAS: Final = (
    (
        "smart-city", _words("Smart city cluster", "智慧城市群", "智慧城市群"),
        "public-services", _words("Cross-boundary public services", "跨境公共服務", "跨境公共服务"),
        _words("Forty services of each side can be applied for on the other (made up).",
               "雙方各有四十項服務可跨境申請（虛構）。", "双方各有四十项服务可跨境申请（虚构）。"),
        _words("Services on line", "已上線服務", "已上线服务"), "80", "services.published",
    ),
    (
        "commerce", _words("Cross-boundary e-commerce", "跨境電子商務", "跨境电子商务"),
        "returns", _words("Returns without a second declaration", "退貨免二次申報", "退货免二次申报"),
        _words("Traders on both sides return goods under one declaration (made up).",
               "雙方商戶以一次申報辦理退貨（虛構）。", "双方商户以一次申报办理退货（虚构）。"),
        _words("Traders that take part", "參與商戶", "参与商户"), "200", "",
    ),
    (
        "customs", _words("Customs clearance", "清關", "通关"),
        "e-locks", _words("E-locks seen by both sides", "雙方共用電子鎖", "双方共用电子锁"),
        _words("Lorries with an e-lock are not opened twice (made up).",
               "裝有電子鎖的貨車免重複開箱（虛構）。", "装有电子锁的货车免重复开箱（虚构）。"),
        _words("Lorries with an e-lock", "裝有電子鎖的貨車", "装有电子锁的货车"), "500", "",
    ),
    (
        "technology", _words("Innovation and technology", "創新及科技", "创新与科技"),
        "documents", _words("Documents validated where they lie", "文件就地驗證", "文件就地验证"),
        _words("Qualifications are validated without crossing (made up).",
               "資歷證明毋須過境即可驗證（虛構）。", "资历证明无须过境即可验证（虚构）。"),
        _words("Documents validated", "已驗證文件", "已验证文件"), "1000", "validation.answered",
    ),
    (
        "telecommunications", _words("Telecommunications", "電訊", "电信"),
        "sites-5g", _words("5G sites near the boundary", "邊界附近的 5G 站點", "边界附近的 5G 站点"),
        _words("Frequencies near the boundary are co-ordinated on one register (made up).",
               "邊界附近頻率以同一登記冊協調（虛構）。", "边界附近频率以同一登记册协调（虚构）。"),
        _words("Sites on the register", "登記冊上的站點", "登记册上的站点"), "300", "",
    ),
)  # fmt: skip
_PROGRESS: Final = {
    "public-services": ("under-way", ""),
    "returns": ("at-risk", "38"),
    "e-locks": ("under-way", "140"),
    "documents": ("under-way", ""),
    "sites-5g": ("done", "150"),
}
"""What each side's officers report of each item: how it stands, and a figure where no node counts it."""


def begin(nodes: Sequence[DemonstrationNode]) -> list[subprocess.Popen[bytes]]:
    """Have each node that runs make its part, and return what was begun; nothing where it was done before."""
    begun = []
    for node in nodes:
        if {each.side for each in nodes} != {"hk", "gd"} or (node.config.run / MARK).exists():
            continue
        with (node.config.run / "plans.log").open("wb") as log:
            begun.append(
                subprocess.Popen(
                    [sys.executable, "-m", "kouan.demo.plans"],
                    env=node_environment(node),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )
    return begun


def made_up(today: date) -> dict[str, Any]:
    """Return the demonstration's plan as a draft keeps it: from the first day of the year for a year."""
    from kouan.apps.programme.plan.domain import PLAN, plan_number  # noqa: PLC0415 - needs Django's set-up

    year = today.year
    half = min(today + timedelta(days=90), today.replace(month=12, day=31))
    return {
        "schema": PLAN,
        "plan": str(plan_number(["gd", "hk"], year)),
        "year": year,
        "first_day": f"{year}-01-01",
        "last_day": f"{year}-12-31",
        "areas": [
            {
                "id": area,
                "title": title,
                "items": [
                    {
                        "id": item,
                        "title": name,
                        "deliverable": deliverable,
                        "owners": [{"side": side, "department": _OWNERS[side]} for side in ("gd", "hk")],
                        "milestones": [
                            {
                                "id": "begun",
                                "title": _words("First departments in", "首批部門參與", "首批部门参与"),
                                "due": today.isoformat(),
                            },
                            {
                                "id": "whole",
                                "title": _words("All departments in", "所有部門參與", "所有部门参与"),
                                "due": half.isoformat(),
                            },
                        ],
                        "measures": [
                            {
                                "id": "count",
                                "title": measure,
                                "unit": _COUNT,
                                "baseline": "0",
                                "target": target,
                                "reported_by": ["gd", "hk"],
                                "combined": "sum",
                                "feed": feed,
                            }
                        ],
                    }
                ],
            }
            for area, title, item, name, deliverable, measure, target, feed in _AREAS
        ],
    }


def main() -> None:
    """Do this node's part; going on after an interruption does only what is missing."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kouan.settings")
    django.setup()
    from django.conf import settings  # noqa: PLC0415 - needs Django's set-up

    node = settings.NODE
    if not node.demonstration:
        raise SystemExit("This node is not a demonstration: a made-up plan is refused.")
    if node.side == "hk":
        _proposed()
    else:
        _signed(_come(lambda row: row is not None))
    _come(lambda row: row is not None and row.state == "signed")
    _reported()
    (node.run / MARK).touch()


def _proposed() -> None:
    from kouan.apps.programme.models import Draft  # noqa: PLC0415 - needs Django's set-up
    from kouan.apps.programme.plan import drafting, negotiating  # noqa: PLC0415 - as above
    from kouan.apps.programme.plan.reporting import today  # noqa: PLC0415 - as above

    if _row() is not None:
        return
    officer, content = OFFICERS["hk"], made_up(today())
    draft = Draft.objects.filter(subject__key=content["plan"]).select_related("subject").first()
    if draft is None:
        draft = drafting.begin(peer="gd", year=content["year"], officer=officer)
    draft = drafting.read_in(subject=draft.subject, edition=draft.edition, officer=officer, value=content)
    negotiating.propose(subject=draft.subject, edition=draft.edition, officer=officer)


def _signed(row: Version) -> None:
    from kouan.apps.programme.plan import negotiating  # noqa: PLC0415 - needs Django's set-up

    if row.state == "proposed":
        negotiating.accept(digest=bytes(row.digest), officer=OFFICERS["gd"])


def _reported() -> None:
    from django.conf import settings  # noqa: PLC0415 - needs Django's set-up

    from kouan.apps.programme.plan import reporting  # noqa: PLC0415 - as above

    row = _row()
    assert row is not None  # noqa: S101 - it has come
    own, day = str(settings.NODE.side), reporting.today()
    for item, (standing, value) in _PROGRESS.items():
        told = [("state", "", standing), ("milestone", "begun", "done")]
        told += [("measure", "count", value)] if value else []
        for about, part, said in told:
            if row.subject.reports.filter(side=own, item=item, about=about, part=part).exists():
                continue
            reporting.report(
                subject=row.subject,
                item=item,
                about=about,
                part=part,
                value=said,
                day=day,
                source="made-up return (demonstration)",
            )
    reporting.feed()


def _come(done: Callable[[Version | None], bool]) -> Version:
    until = time.monotonic() + _PATIENCE
    while not done(row := _row()):
        if time.monotonic() > until:
            raise SystemExit("The plan did not come from the other side.")
        time.sleep(0.2)
    assert row is not None  # noqa: S101 - it has come
    return row


def _row() -> Version | None:
    from kouan.apps.programme.models import Version  # noqa: PLC0415 - needs Django's set-up
    from kouan.apps.programme.plan.reporting import today  # noqa: PLC0415 - as above

    rows = Version.objects.filter(subject__kind="plan", subject__year=today().year, author="hk")
    return rows.select_related("subject").order_by("pk").first()


if __name__ == "__main__":
    main()
