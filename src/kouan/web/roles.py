"""The roles that an account may hold; needs no framework, so that the program can name them."""

from __future__ import annotations

from typing import Final, Literal

Role = Literal["issuer", "operator", "registrar", "data", "auditor"]
ROLES: Final[tuple[Role, ...]] = ("issuer", "operator", "registrar", "data", "auditor")
"""issuer: an officer of an institution that registers documents. operator: runs this side's node.
registrar: registers the services that sign people in through this node. data: drafts, signs and files the
contracts under which data flows. auditor: sees what flowed under which contract, and proves it."""
