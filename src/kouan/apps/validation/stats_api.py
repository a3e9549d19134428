"""Statistics by the JSON API; ``validation.api`` mounts ``router`` under ``/statistics``."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - read by the framework at run time
from typing import Annotated, Any, Literal

from django.http import HttpRequest  # noqa: TC002 - as above
from ninja import Query, Router, Schema
from ninja.security import SessionAuth

from kouan.apps.validation import statistics
from kouan.apps.validation.models import AccessToken
from kouan.apps.validation.tokens import InstitutionToken, auth_of
from kouan.web.access import has_role

router = Router(tags=["Validation by fingerprint"])


class SeriesOut(Schema):
    """One outcome, kind of document or side, with the count of each day."""

    key: str
    counts: list[int | None]
    """Rounded down to a multiple of five; ``null`` for fewer than five."""


class StatisticsOut(Schema):
    """The questions that this side answered, by day; nothing in it is of a person or one document."""

    by: Literal["outcome", "type", "side"]
    asked: Literal["across", "home"]
    """`across`: questions of other sides. `home`: those that were asked on this side, which did not cross."""
    days: list[date]
    series: list[SeriesOut]


class OperatorSession(SessionAuth):
    """A signed-in operator, by the portal's session; only for reading."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Any | None:  # noqa: ARG002 - the framework's signature
        """Return the account, or nothing when it does not hold the role."""
        return request.user if has_role(request.user, "operator") else None


@router.get(
    "",
    auth=[OperatorSession(csrf=True), InstitutionToken()],
    response=StatisticsOut,
    url_name="statistics",
)
def get_statistics(
    request: HttpRequest,
    by: Literal["outcome", "type", "side"] = "outcome",
    asked: Literal["across", "home"] = "across",
    days: Annotated[int, Query(ge=1, le=statistics.MOST_DAYS)] = 14,
) -> dict[str, Any]:
    """Return how often other sides asked about the institution's documents; to an operator, those of all.

    With `asked=home`, how often they were asked about on this side.
    """
    token = auth_of(request)
    whose = [token.institution] if isinstance(token, AccessToken) else None
    found = statistics.statistics(of=whose, by=by, days=days, asked=asked)
    return {
        "by": found.by,
        "asked": found.asked,
        "days": list(found.days),
        "series": [{"key": one.key, "counts": list(one.counts)} for one in found.series],
    }
