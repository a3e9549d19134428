"""The JSON API; the node mounts ``router`` under ``/api/v1/signing``. Each part has its own file."""

from __future__ import annotations

from ninja import Router

from kouan.apps.signing.lists.api import router as lists
from kouan.apps.signing.making.api import router as making
from kouan.apps.signing.validating.api import router as validating

router = Router(tags=["Signing"])
router.add_router("", lists)
router.add_router("", making)
router.add_router("", validating)
