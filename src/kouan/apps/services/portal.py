"""This app's entries in the navigation and on the home page, part by part."""

from __future__ import annotations

from kouan.apps.services.applying import portal as applying
from kouan.apps.services.cases import portal as cases
from kouan.apps.services.catalogue import portal as catalogue

__all__ = ["applying", "cases", "catalogue"]
