"""This app's part of the JSON API, part by part; the catalogue's own address is that of the whole."""

from __future__ import annotations

from ninja import Router

from kouan.apps.services.applying.api import router as applying
from kouan.apps.services.cases.api import router as cases
from kouan.apps.services.catalogue.api import router as catalogue

router = Router()
router.add_router("", applying)
router.add_router("", cases)

__all__ = ["catalogue", "router"]
