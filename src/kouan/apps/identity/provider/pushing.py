"""Pushed authorization requests (RFC 9126): a client leaves its request here before the browser comes."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from kouan.apps.identity.domain import REQUEST_LIFE
from kouan.apps.identity.models import PushedRequest
from kouan.apps.identity.provider import limits, proofs
from kouan.apps.identity.provider.asked import Answer, Asked, answering, as_json
from kouan.apps.identity.provider.authentication import authenticate
from kouan.apps.identity.provider.checking import check
from kouan.apps.identity.provider.errors import InvalidRequest, InvalidRequestUri
from kouan.apps.identity.provider.parameters import read_form
from kouan.apps.identity.provider.requests import Request
from kouan.apps.identity.provider.spending import having_spent
from kouan.core.database.rows import execute, fetch, insert_many

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kouan.apps.identity.provider.clients import Client

PREFIX: Final = "urn:ietf:params:oauth:request_uri:"
_HANDLE: Final = re.compile("[A-Za-z0-9_-]{43}")
_CREATED: Final = 201
_DELETE: Final = f"DELETE FROM {PushedRequest._meta.db_table} WHERE id = %s"  # noqa: S608 - the table's own name


@answering
def push(asked: Asked) -> Answer:
    """Take a request and answer with the ``request_uri`` by which the browser names it, once."""
    if asked.peer is None:
        limits.take_address(asked.address)
    form = read_form(asked.body, asked.headers)
    authenticated = authenticate(asked, form)
    proof = proofs.shown(asked)
    told = having_spent(
        authenticated,
        proof,
        do=lambda: _kept(authenticated.client, form, jkt=proof.jkt if proof is not None else ""),
    )
    return as_json(told, status=_CREATED)


def taken(client: Client, request_uri: str) -> Request:
    """Return the request that a client pushed; each only once. Raises ``InvalidRequestUri``."""
    handle = request_uri.removeprefix(PREFIX)
    if handle == request_uri or not _HANDLE.fullmatch(handle):
        raise InvalidRequestUri
    digest = hashlib.sha256(handle.encode()).digest()
    with transaction.atomic():
        found = fetch(PushedRequest, "handle = %s AND client = %s", (digest, client.id))
        if not found or found[0].expires_at <= timezone.now() or not execute(_DELETE, (found[0].pk,)):
            raise InvalidRequestUri
    return Request.from_json(found[0].params)


def _kept(client: Client, form: Mapping[str, str], *, jkt: str) -> dict[str, Any]:
    if "request_uri" in form:
        raise InvalidRequest(parameter="request_uri")
    request = check(client, form, jkt=jkt)
    handle = secrets.token_urlsafe(32)
    row = {
        "handle": hashlib.sha256(handle.encode()).digest(),
        "client": client.id,
        "params": request.to_json(),
        "expires_at": timezone.now() + REQUEST_LIFE,
    }
    insert_many(PushedRequest, tuple(row), [tuple(row.values())])
    return {"request_uri": PREFIX + handle, "expires_in": int(REQUEST_LIFE.total_seconds())}
