"""The registrar's API: the services that let people sign in. Mounted under ``/api/v1/identity``."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - read by the framework at run time
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Literal

from django.contrib.auth.models import User
from django.http import HttpRequest  # noqa: TC002 - read by the framework at run time
from ninja import Router, Schema, Status
from pydantic import ConfigDict, Field, StringConstraints

from kouan.apps.identity import queries, register
from kouan.apps.identity.registration import Registration
from kouan.core.text import Localised

if TYPE_CHECKING:
    from kouan.apps.identity.models import Service

router = Router(tags=["Services that let people sign in"])

Line = Annotated[str, StringConstraints(max_length=500)]


class TextIn(Schema):
    """A text in the three scripts."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    en: Line
    zh_hant: Annotated[Line, Field(alias="zh-hant")]
    zh_hans: Annotated[Line, Field(alias="zh-hans")]

    def text(self) -> Localised:
        """Return it as the node knows it."""
        return Localised(en=self.en, zh_hant=self.zh_hant, zh_hans=self.zh_hans)


class ServiceFields(Schema):
    """What a service is registered with, beside its id and its keys."""

    model_config = ConfigDict(extra="forbid")
    department: Line
    name: TextIn
    purpose: Annotated[TextIn, Field(description="One sentence that people read before they agree.")]
    profile: Literal["fapi2", "confidential", "public"] = "fapi2"
    redirect_uris: Annotated[list[Line], Field(max_length=10)]
    post_logout_redirect_uris: Annotated[list[Line], Field(max_length=10)] = []
    backchannel_logout_uri: Line = ""
    claims: Annotated[
        list[Line], Field(max_length=20, description="The most that it may ask for, by name.")
    ] = []
    legal_reason: Annotated[
        Line, Field(description="Which law lets it learn the number of an identity document.")
    ] = ""
    level: Annotated[int, Field(description="The lowest level with which anybody gets in.")] = 2
    sides: Annotated[
        list[Line], Field(max_length=10, description="Whose residents it takes beside its own side's.")
    ] = []


class KeysIn(Schema):
    """A JSON Web Key Set (RFC 7517) of public keys."""

    model_config = ConfigDict(extra="forbid")
    keys: Annotated[list[dict[str, Any]], Field(max_length=8)]


class ServiceIn(ServiceFields):
    """A service to register."""

    client_id: Line
    jwks: KeysIn = KeysIn(keys=[])


class ServiceOut(Schema):
    """A registered service."""

    client_id: str
    department: str
    name: dict[str, str]
    purpose: dict[str, str]
    profile: str
    redirect_uris: list[str]
    post_logout_redirect_uris: list[str]
    backchannel_logout_uri: str
    jwks: dict[str, Any]
    claims: list[str]
    legal_reason: str
    level: int
    sides: list[str]
    created_at: datetime
    disabled_at: datetime | None


class ChangeOut(Schema):
    """A line of a service's history."""

    at: datetime
    by: Annotated[str | None, Field(description="The account; null for the command line.")]
    what: Literal["added", "changed", "keys", "disabled", "enabled"]
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@router.get("/services", response=list[ServiceOut], url_name="services")
def list_services(request: HttpRequest) -> list[dict[str, Any]]:  # noqa: ARG001 - the framework's signature
    """Return every registered service, by id."""
    return [_out(each) for each in queries.services()]


@router.post("/services", response={201: ServiceOut}, url_name="service-add")
def add_service(request: HttpRequest, service: ServiceIn) -> Status[dict[str, Any]]:
    """Register a service."""
    given = _registration(service, service.client_id, service.jwks.dict())
    return Status(HTTPStatus.CREATED, _out(register.add(registration=given, by=_officer(request))))


@router.get("/services/{client_id}", response=ServiceOut, url_name="service")
def get_service(request: HttpRequest, client_id: str) -> dict[str, Any]:  # noqa: ARG001 - the framework's signature
    """Return one service."""
    return _out(queries.service(client_id))


@router.put("/services/{client_id}", response=ServiceOut, url_name="service-change")
def change_service(request: HttpRequest, client_id: str, service: ServiceFields) -> dict[str, Any]:
    """Set anew what a service is registered with, all but its id and its keys."""
    given = _registration(service, client_id, {})
    return _out(register.change(client_id=client_id, registration=given, by=_officer(request)))


@router.put("/services/{client_id}/keys", response=ServiceOut, url_name="service-keys")
def replace_keys(request: HttpRequest, client_id: str, jwks: KeysIn) -> dict[str, Any]:
    """Replace a service's keys; the old ones count no more."""
    return _out(register.replace_keys(client_id=client_id, jwks=jwks.dict(), by=_officer(request)))


@router.post("/services/{client_id}/disable", response=ServiceOut, url_name="service-disable")
def disable_service(request: HttpRequest, client_id: str) -> dict[str, Any]:
    """Let nobody sign in to a service any more. Twice is harmless."""
    return _out(register.disable(client_id=client_id, by=_officer(request)))


@router.post("/services/{client_id}/enable", response=ServiceOut, url_name="service-enable")
def enable_service(request: HttpRequest, client_id: str) -> dict[str, Any]:
    """Let people sign in to a service again. Twice is harmless."""
    return _out(register.enable(client_id=client_id, by=_officer(request)))


@router.get("/services/{client_id}/history", response=list[ChangeOut], url_name="service-history")
def get_history(request: HttpRequest, client_id: str) -> list[dict[str, Any]]:  # noqa: ARG001 - the framework's signature
    """Return who changed what of a service, the latest first."""
    return [
        {
            "at": row.at,
            "by": row.by.get_username() if row.by else None,
            "what": row.what,
            "before": row.before,
            "after": row.after,
        }
        for row in queries.history(queries.service(client_id))
    ]


def _registration(given: ServiceFields, client_id: str, jwks: dict[str, Any]) -> Registration:
    return Registration(
        client_id=client_id,
        department=given.department,
        name=given.name.text(),
        purpose=given.purpose.text(),
        profile=given.profile,
        redirect_uris=tuple(given.redirect_uris),
        post_logout_redirect_uris=tuple(given.post_logout_redirect_uris),
        backchannel_logout_uri=given.backchannel_logout_uri,
        jwks=jwks,
        claims=tuple(given.claims),
        legal_reason=given.legal_reason,
        level=given.level,
        sides=tuple(given.sides),
    )


def _out(service: Service) -> dict[str, Any]:
    return Registration.of(service).to_json() | {
        "created_at": service.created_at,
        "disabled_at": service.disabled_at,
    }


def _officer(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the API lets nobody else in
    return request.user
