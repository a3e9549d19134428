"""Gives a demonstration node a service to sign in to (``kouan.demo.service``), and runs it beside it."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kouan.core.sides import all_sides
from kouan.core.text import Localised
from kouan.node.supervisor import Process

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kouan.apps.identity.registration import Registration
    from kouan.demo.nodes import DemonstrationNode

SERVICE_FILE: Final = "service.json"
KEY_FILE: Final = "service.pem"
"""The service's private key, beside the node's settings; a real service keeps its own elsewhere."""
PROOF_FILE: Final = "service-proof.pem"
"""The key to which the tokens of a service are bound, where it is of the profile ``fapi2``."""
FAPI2: Final = "fapi2"
BACK: Final = "/back"
LEFT: Final = "/left"
LOGOUT: Final = "/logout"


@dataclass(frozen=True, slots=True)
class Made:
    """A service that is made up."""

    id: str
    department: str
    name: Localised
    purpose: Localised
    claims: tuple[str, ...]
    level: int
    profile: str
    """Which rules its requests follow; the two sides' services show both ways."""


_LIBRARY: Final = Made(
    id="library-card",
    department="Harbour Libraries (demonstration)",
    name=Localised("Library card", "圖書證", "图书证"),
    purpose=Localised(
        "To issue a library card in your name.", "以閣下的姓名簽發圖書證。", "以您的姓名签发图书证。"
    ),
    claims=("name", "name#zh-Hant", "name#zh-Hans", "birthdate"),
    level=2,
    profile="confidential",
)
_CLINIC: Final = Made(
    id="clinic-appointments",
    department="Pearl River Clinics (demonstration)",
    name=Localised("Clinic appointments", "診所預約", "诊所预约"),
    purpose=Localised(
        "To book an appointment in your name, and to find it again.",
        "以閣下的姓名預約診症，並在日後查閱。",
        "以您的姓名预约就诊，并在日后查询。",
    ),
    claims=("name", "name#zh-Hant", "name#zh-Hans", "gender", "birthdate", "document_type"),
    level=3,
    profile=FAPI2,
)
SERVICES: Final = {"hk": _LIBRARY, "gd": _CLINIC}
"""Each side's service; a side that has none of its own has a library too."""


def made_for(side: str) -> Made:
    """Return the service of a side."""
    return SERVICES.get(side, _LIBRARY)


def give_service(path: Path, port: int) -> None:
    """Let a demonstration node have a service on this port; its keys are made once."""
    for name in (KEY_FILE, PROOF_FILE):
        _make_key(path.parent / name)
    file = path.parent / SERVICE_FILE
    if not file.exists():
        file.write_text(json.dumps({"origin": f"http://127.0.0.1:{port}"}), encoding="utf-8")


def _make_key(file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as output:
            output.write(pem)


def origin_of(home: Path) -> str:
    """Return where a node's service is; empty if it has none."""
    file = home / SERVICE_FILE
    return str(json.loads(file.read_text(encoding="utf-8"))["origin"]) if file.exists() else ""


def services_of(nodes: Iterable[DemonstrationNode]) -> list[Process]:
    """Return the processes of the nodes' services, for a supervisor."""
    return [
        Process(node.path, "service", node.config.run / "service.log", module="kouan.demo.service")
        for node in nodes
        if origin_of(node.path.parent)
    ]


def registration_of(home: Path, side: str) -> Registration | None:
    """Return what a node's service is registered with; nothing if it has none. Django must be ready."""
    from kouan.apps.identity.registration import Registration  # noqa: PLC0415 - needs Django's set-up
    from kouan.web.oidc import public_jwks  # noqa: PLC0415 - as above

    origin, made = origin_of(home), made_for(side)
    if not origin:
        return None
    return Registration(
        client_id=made.id,
        department=made.department,
        name=made.name,
        purpose=made.purpose,
        profile=made.profile,
        redirect_uris=(origin + BACK,),
        post_logout_redirect_uris=(origin + LEFT,),
        backchannel_logout_uri=origin + LOGOUT,
        jwks=public_jwks(home / KEY_FILE),
        claims=made.claims,
        level=made.level,
        sides=tuple(each.code for each in all_sides() if each.code != side),
    )
