"""The version of a service that a case follows to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kouan.apps.services.catalogue.queries import version

if TYPE_CHECKING:
    from kouan.apps.services.definition.model import Definition
    from kouan.apps.services.models import Case


def of_case(case: Case) -> Definition:
    """Return what a case follows; raises ``UnknownVersion``."""
    return by_digest(bytes(case.digest))


def by_digest(digest: bytes) -> Definition:
    """Return a version, whatever has become of it since; raises ``UnknownVersion``."""
    return version(digest)
