"""The JSON API of this app, for institutions' own systems; the node mounts ``router`` under ``/api/v1``."""

from __future__ import annotations

import json
from datetime import date, datetime
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from ninja import Query, Router, Schema, Status
from ninja.security import HttpBearer
from pydantic import ConfigDict, StringConstraints, ValidationError

from kouan.apps.validation import queries, services, uploads, waiting
from kouan.apps.validation.domain import DocumentType, Reference, RevocationReason
from kouan.apps.validation.errors import BadRequest, UploadTooLarge
from kouan.apps.validation.limits import take_one
from kouan.apps.validation.marks import CarriedAs
from kouan.apps.validation.models import AccessToken, RegisteredDocument, Validation

if TYPE_CHECKING:
    from collections.abc import Iterator

router = Router(tags=["validation"])

_MAX_JSON: Final = 4096
_CHUNK: Final = 1 << 20
