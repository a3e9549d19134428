"""Putting the mark into a document, finding it again, and taking the fingerprint."""

from __future__ import annotations

from kouan.apps.validation.marks.carry import Carried, Found, carry, examine, take_fingerprint
from kouan.apps.validation.marks.mark import INSTITUTION_CODE, MAX_CARRIED, MAX_FILE, CarriedAs, Mark

__all__ = [
    "INSTITUTION_CODE",
    "MAX_CARRIED",
    "MAX_FILE",
    "Carried",
    "CarriedAs",
    "Found",
    "Mark",
    "carry",
    "examine",
    "take_fingerprint",
]
