"""The roles that an account may hold; needs no framework, so that the program can name them."""

from __future__ import annotations

from typing import Final, Literal

Role = Literal[
    "issuer", "operator", "registrar", "data", "auditor", "publisher", "caseworker", "evidence",
    "programme", "signing", "signatory",
]  # fmt: skip
ROLES: Final[tuple[Role, ...]] = (
    "issuer", "operator", "registrar", "data", "auditor", "publisher", "caseworker", "evidence",
    "programme", "signing", "signatory",
)  # fmt: skip
"""issuer: an officer of an institution that registers documents. operator: runs this side's node.
registrar: registers the services that sign people in through this node. data: drafts, signs and files the
contracts under which data flows. auditor: sees what flowed under which contract, and proves it.
publisher: publishes a department's services. caseworker: works on its cases. evidence: keeps the
records from which its credentials are issued. programme: keeps what the two sides agree and do together.
signing: keeps the list of whose certificates are recognised. signatory: signs documents with this side's
keys."""
