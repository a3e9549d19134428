"""The register of services: who is registered with what, and who changed it when.

Every change is one transaction with the line of history that tells of it.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from kouan.apps.identity.errors import ServiceExists, UnknownService
from kouan.apps.identity.models import Service, ServiceChange
from kouan.apps.identity.registration import Registration, checked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.contrib.auth.models import User

log = logging.getLogger(__name__)


def add(*, registration: Registration, by: User | None) -> Service:
    """Register a service; raises a ``BadRegistration``, among them ``ServiceExists``."""
    kept = _checked(registration)
    try:
        with transaction.atomic():
            service = Service.objects.create(**kept.columns(), created_at=timezone.now())
            _note(service, "added", by, None, kept.to_json())
    except IntegrityError:
        raise ServiceExists(client_id=kept.client_id) from None
    return service


def change(*, client_id: str, registration: Registration, by: User | None) -> Service:
    """Set anew what a service is registered with, all but its id and its keys; raises a ``BadRegistration``.

    What it says of keys is passed over, unless the service becomes a public client and so has none any more,
    or ceases to be one.
    """
    with transaction.atomic():
        service = _locked(client_id)
        before = Registration.of(service)
        public = Service.Profile.PUBLIC.value
        keys: Mapping[str, Any] = before.jwks if before.profile != public else registration.jwks
        if registration.profile == public:
            keys = {}
        kept = _checked(replace(registration, client_id=client_id, jwks=keys))
        if kept == before:
            return service
        _save(service, kept, "changed", by, before)
    return service


def replace_keys(*, client_id: str, jwks: Mapping[str, Any], by: User | None) -> Service:
    """Set anew the keys that verify a service's assertions; the old ones count no more, from now on.

    Raises ``BadServiceKeys`` or ``PublicClientKeys``.
    """
    with transaction.atomic():
        service = _locked(client_id)
        before = Registration.of(service)
        kept = _checked(replace(before, jwks=jwks))
        if kept != before:
            _save(service, kept, "keys", by, before)
    return service


def disable(*, client_id: str, by: User | None) -> Service:
    """Let nobody sign in to a service any more, until it is enabled; harmless if it is off already."""
    with transaction.atomic():
        service = _locked(client_id)
        if service.disabled_at is None:
            service.disabled_at = timezone.now()
            service.save(update_fields=["disabled_at"])
            _note(service, "disabled", by, None, None)
    log.warning("the service %s is switched off", client_id)
    return service


def enable(*, client_id: str, by: User | None) -> Service:
    """Let people sign in to a service again; harmless if it is on."""
    with transaction.atomic():
        service = _locked(client_id)
        if service.disabled_at is not None:
            service.disabled_at = None
            service.save(update_fields=["disabled_at"])
            _note(service, "enabled", by, None, None)
    log.warning("the service %s is switched on", client_id)
    return service


def _checked(registration: Registration) -> Registration:
    return checked(registration, side=settings.NODE.side, demonstration=settings.NODE.demonstration)


def _locked(client_id: str) -> Service:
    found = Service.objects.select_for_update().filter(client_id=client_id).first()
    if found is None:
        raise UnknownService
    return found


def _save(service: Service, kept: Registration, what: str, by: User | None, before: Registration) -> None:
    for name, value in kept.columns().items():
        setattr(service, name, value)
    service.save()
    _note(service, what, by, before.to_json(), kept.to_json())


def _note(
    service: Service, what: str, by: User | None, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    ServiceChange.objects.create(
        service=service, at=timezone.now(), by=by, what=what, before=before, after=after
    )
