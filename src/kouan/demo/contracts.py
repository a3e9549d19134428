"""Fills the pages of data contracts on a fresh demonstration (``python -m kouan.demo.contracts``).

Each side's node does its own part with its own keys, at the same time as the other's: one contract is signed
by both and filed, one waits for Hong Kong's officer, one is a draft. Every party in them is made up, and its
name says so.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import django

from kouan.demo.dataflow import OFFICERS, terms
from kouan.demo.nodes import node_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from kouan.apps.dataflow.models import Contract
    from kouan.demo.nodes import DemonstrationNode

MARK: Final = "contracts.made"
"""In a node's run folder: its part was done, and is not looked at again."""
SIGNED: Final = "signed and filed"
PROPOSED: Final = "proposed"
DRAFT: Final = "draft"
_KINDS: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    SIGNED: ("hk", "gd", {"retention_days": 180}),
    PROPOSED: (
        "gd", "hk",
        {"purposes": ["dpv:IdentityVerification"], "elements": ["person.address", "person.name"],
         "persons": 300},
    ),
    DRAFT: (
        "hk", "gd",
        {"purposes": ["dpv:HumanResourceManagement"], "elements": ["person.employment", "person.name"],
         "persons": 40, "retention_days": 30},
    ),
}  # fmt: skip
_PATIENCE: Final = 120.0
"""Seconds in which the other side's part must have come."""


def begin(nodes: Sequence[DemonstrationNode]) -> list[subprocess.Popen[bytes]]:
    """Have each node that runs make its part, and return what was begun; nothing where it was done before."""
    begun = []
    for node in nodes:
        if {each.side for each in nodes} != {"hk", "gd"} or (node.config.run / MARK).exists():
            continue
        with (node.config.run / "contracts.log").open("wb") as log:
            begun.append(
                subprocess.Popen(
                    [sys.executable, "-m", "kouan.demo.contracts"],
                    env=node_environment(node),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )
    return begun


def made_up(kind: str, today: date) -> dict[str, Any]:
    """Return the terms of one of the demonstration's contracts; its number is always the same."""
    exporter, importer, changes = _KINDS[kind]
    number = uuid.uuid5(uuid.NAMESPACE_URL, f"urn:kouan:demonstration:{kind}")
    assessment = hashlib.sha256(f"A made-up assessment: {kind}.".encode()).hexdigest()
    return (
        terms(exporter, importer, today)
        | {
            "contract": str(number),
            "assessment": {"digest": assessment, "made_on": (today - timedelta(days=7)).isoformat()},
        }
        | changes
    )


def main() -> None:
    """Do this node's part; going on after an interruption does only what is missing."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kouan.settings")
    django.setup()
    from django.conf import settings  # noqa: PLC0415 - needs Django's set-up

    node = settings.NODE
    if not node.demonstration:
        raise SystemExit("This node is not a demonstration: made-up contracts are refused.")
    if node.side == "hk":
        _drafted(SIGNED, sign=True)
        _drafted(DRAFT, sign=False)
    else:
        _drafted(PROPOSED, sign=True)
        _sign(_come(SIGNED, lambda row: row is not None))
    _file(_come(SIGNED, lambda row: row is not None and row.state == "signed"))
    (node.run / MARK).touch()


def _drafted(kind: str, *, sign: bool) -> None:
    """Draft one of our own, and sign it where it is to go to the other side."""
    import rfc8785  # noqa: PLC0415 - quick to do without where there is nothing to do

    from kouan.apps.dataflow import contracts  # noqa: PLC0415 - needs Django's set-up
    from kouan.apps.dataflow.domain import read_terms  # noqa: PLC0415 - as above

    row = _row(kind)
    if row is None:
        row = contracts.draft(read_terms(rfc8785.dumps(made_up(kind, contracts.today()))))
    if sign and row.state == "draft":
        contracts.propose(digest=bytes(row.digest), officer=_officer())


def _sign(row: Contract) -> None:
    from kouan.apps.dataflow import contracts  # noqa: PLC0415 - needs Django's set-up

    if row.state == "proposed" and row.signed_here is None:
        contracts.sign(digest=bytes(row.digest), officer=_officer())


def _file(row: Contract) -> None:
    from django.conf import settings  # noqa: PLC0415 - needs Django's set-up

    from kouan.apps.dataflow import contracts, filings  # noqa: PLC0415 - as above

    if row.filings.filter(side=settings.NODE.side, filed_on__isnull=True).exists():
        reference = f"DEMO-{settings.NODE.side.upper()}-0001"
        filings.filed(digest=bytes(row.digest), filed_on=contracts.today(), reference=reference)


def _come(kind: str, done: Callable[[Contract | None], bool]) -> Contract:
    until = time.monotonic() + _PATIENCE
    while not done(row := _row(kind)):
        if time.monotonic() > until:
            raise SystemExit(f"The contract “{kind}” did not come from the other side.")
        time.sleep(0.2)
    assert row is not None  # noqa: S101 - it has come
    return row


def _row(kind: str) -> Contract | None:
    from kouan.apps.dataflow import contracts  # noqa: PLC0415 - needs Django's set-up
    from kouan.apps.dataflow.models import Contract  # noqa: PLC0415 - as above

    number = made_up(kind, contracts.today())["contract"]
    return Contract.objects.filter(contract=number).order_by("-version").first()


def _officer() -> str:
    from django.conf import settings  # noqa: PLC0415 - needs Django's set-up

    return OFFICERS[str(settings.NODE.side)]


if __name__ == "__main__":
    main()
