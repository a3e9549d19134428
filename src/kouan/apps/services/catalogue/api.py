"""The catalogue in the JSON API: open to everybody, as the pages are."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - read by the framework at run time
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Len
from django.conf import settings
from django.http import HttpRequest  # noqa: TC002 - read by the framework at run time
from ninja import Query, Router, Schema
from pydantic import Field, StringConstraints

from kouan.apps.services.catalogue import queries
from kouan.apps.services.catalogue.searching import Wanted
from kouan.apps.services.definition.model import Audience, Category, LifeEvent  # noqa: TC001 - as above

if TYPE_CHECKING:
    from kouan.apps.services.catalogue.queries import Shown
    from kouan.core.text import Localised

router = Router(tags=["Public services"])

SideCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,16}$")]
ServiceCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{1,120}$")]


class Text(Schema):
    """A text in the three scripts."""

    en: str
    zh_hant: Annotated[str, Field(alias="zh-hant")]
    zh_hans: Annotated[str, Field(alias="zh-hans")]


class FeeOut(Schema):
    """What it costs."""

    amount: str
    currency: str


class ServiceOut(Schema):
    """A service, as a list shows it."""

    side: str
    service: str
    version: int
    digest: Annotated[str, Field(description="SHA-256 over the canonical JSON of this version.")]
    title: Text
    summary: Text
    category: str
    audiences: list[str]
    events: list[str]
    department: Annotated[str, Field(description="The department's code within its side.")]
    department_name: Text
    homes: Annotated[list[str], Field(description="The sides whose residents may apply.")]
    fee: FeeOut | None
    working_days: Annotated[
        int, Field(description="How long the department has, in working days of its side.")
    ]
    demonstration: bool
    published_at: datetime | None


class ServicesOut(Schema):
    """One page of services."""

    count: int
    page: int
    pages: int
    services: list[ServiceOut]


class ServiceWhole(ServiceOut):
    """A service with all that is needed to apply for it."""

    definition: Annotated[
        dict[str, Any], Field(description="The whole version, in its canonical form's names.")
    ]


class Search(Schema):
    """What to look for; what is left out does not matter."""

    q: Annotated[str, StringConstraints(max_length=100)] = ""
    side: Annotated[
        list[SideCode], Len(0, 16), Field(description="Of these sides; of all others if none is named.")
    ] = []
    category: Category | None = None
    event: LifeEvent | None = None
    audience: Audience | None = None
    home: Annotated[SideCode | None, Field(description="Residents of this side may apply.")] = None
    page: Annotated[int, Field(ge=1, le=1000)] = 1


@router.get("/services", response=ServicesOut, by_alias=True, auth=None, summary="Search the catalogue")
def search(request: HttpRequest, wanted: Query[Search]) -> dict[str, Any]:  # noqa: ARG001 - the framework's signature
    """Return what fits, best first: published services of both sides as this node knows them."""
    at = queries.found(
        Wanted(
            text=wanted.q,
            sides=wanted.side or [*queries.other_sides(), settings.NODE.side],
            category=wanted.category or "",
            event=wanted.event or "",
            audience=wanted.audience or "",
            home=wanted.home or "",
        ),
        page=wanted.page,
    )
    return {
        "count": at.paginator.count,
        "page": at.number,
        "pages": at.paginator.num_pages,
        "services": [_out(each) for each in at.object_list],
    }


@router.get(
    "/services/{side}/{service}",
    response=ServiceWhole,
    by_alias=True,
    auth=None,
    summary="One service, whole",
)
def service(request: HttpRequest, side: SideCode, service: ServiceCode) -> dict[str, Any]:  # noqa: ARG001 - as above
    """Return the published version of a service, with its form and what evidence it asks for."""
    found = queries.shown(side, service)
    return _out(found) | {"definition": found.definition.model_dump(mode="json", by_alias=True)}


def _out(shown: Shown) -> dict[str, Any]:
    it = shown.definition
    return {
        "side": it.side,
        "service": it.service,
        "version": it.version,
        "digest": bytes(shown.row.digest).hex(),
        "title": _text(it.title.text),
        "summary": _text(it.summary.text),
        "category": it.category,
        "audiences": it.audiences,
        "events": it.events,
        "department": it.department.code,
        "department_name": _text(it.department.name.text),
        "homes": it.homes,
        "fee": it.fee.model_dump() if it.fee else None,
        "working_days": it.time_limit.working_days,
        "demonstration": it.demonstration,
        "published_at": shown.row.published_at,
    }


def _text(text: Localised) -> dict[str, str]:
    return text.as_mapping()
