"""Signing for programs: with this side's keys, by a wallet, and the archive; below ``/api/v1/signing``."""

from __future__ import annotations

import base64
import binascii
import uuid  # noqa: TC003 - read by the framework at run time
from datetime import datetime  # noqa: TC003 - as above
from http import HTTPStatus
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, cast

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from ninja import Router, Schema, Status
from ninja.security import HttpBearer
from pydantic import Field

from kouan.apps.signing.making import longterm, office, orders, renewal
from kouan.apps.signing.making.errors import AnswerRejected, NotSignable
from kouan.apps.signing.making.pdf import Level
from kouan.apps.signing.models import SigningAccess  # noqa: TC001 - read by the framework at run time
from kouan.apps.signing.validating import uploads

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

    from kouan.apps.signing.models import ArchivedDocument, SigningOrder

router = Router()

_FILE: Final = {"type": "string", "format": "binary"}
_BYTES: Final = {"application/octet-stream": {"schema": _FILE}}
_SIGNED: Final = {200: {"description": "The signed file.", "content": _BYTES}}
State = Literal["prepared", "sent", "completed", "expired", "refused"]
Base64 = Annotated[str, Field(min_length=4, max_length=16_384)]


class SignerOut(Schema):
    """A signer that the token may use."""

    name: str
    kind: Literal["file", "token", "remote"]
    holder: str


class SignersOut(Schema):
    """The signers that the token may use."""

    signers: list[SignerOut]


class SigningOrderOut(Schema):
    """A document that waits for a wallet's signature, or what became of it."""

    id: uuid.UUID
    state: State
    file_name: str
    hash: Annotated[
        str, Field(description="What the wallet signs, base64: SHA-256 of the signed attributes.")
    ]
    document_hash: Annotated[str, Field(description="SHA-256 of what is signed of the document, base64.")]
    expires_at: datetime


class WalletAnswerIn(Schema):
    """What a wallet answers."""

    signature: Base64
    certificates: Annotated[
        list[Base64], Field(min_length=1, max_length=16, description="DER in base64, the signer's first.")
    ]


class ArchivedOut(Schema):
    """A document whose time-stamps are renewed."""

    id: uuid.UUID
    file_name: str
    state: Literal["kept", "due", "failed"]
    problem: str
    kept_at: datetime
    renew_at: datetime
    renewed_at: datetime | None
    renewals: int
    sha256: str


class ArchiveOut(Schema):
    """What is in the archive, what is due first; at most 200."""

    documents: list[ArchivedOut]


class SigningToken(HttpBearer):
    """A program's token, as ``kouan signing access`` makes one."""

    def authenticate(self, request: HttpRequest, token: str) -> SigningAccess:  # noqa: ARG002 - the library's signature
        """Return the access that the token gives; raises ``BadSigningToken``."""
        return office.use_access(token)


_TOKEN: Final = SigningToken()


def _form(*needed: str, **fields: dict[str, Any]) -> dict[str, Any]:
    shape = {"type": "object", "required": ["file", *needed], "properties": {"file": _FILE, **fields}}
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": shape}}},
    }


_TEXT: Final = {"type": "string", "maxLength": 200}


@router.get("/signers", auth=_TOKEN, response=SignersOut, summary="The signers that this token may use")
def signers(request: HttpRequest) -> dict[str, Any]:
    """Return name, kind and, where it is at hand, the holder that the certificate names."""
    allowed = set(_access(request).signers)
    return {"signers": [each for each in office.described() if each["name"] in allowed]}


@router.post(
    "/signatures",
    auth=_TOKEN,
    url_name="sign-file",
    summary="Sign a file with a key of this side's",
    openapi_extra=_form(
        "signer",
        signer=_TEXT,
        form={"type": "string", "enum": list(office.FORMS)},
        reason=_TEXT,
        level={"type": "string", "enum": [str(each) for each in Level]},
    )
    | {"responses": _SIGNED},
)
def sign(request: HttpRequest) -> HttpResponse:
    """Return the signed file: a PDF as PAdES, anything else, or by SM2, as CMS (GM/T 0010). Up to 32 MB.

    A PDF is of the level B, or of the `level` that is given: T, LT, LTA.
    """
    name, content = sent_file(request)
    signer = request.POST.get("signer", "")
    row = office.sign(
        content,
        signer=signer,
        owner=office.owner_of(_access(request), signer=signer or "-"),
        file_name=name,
        form=request.POST.get("form", ""),
        reason=request.POST.get("reason", "")[: office.MAX_REASON],
        level=_level(request.POST.get("level", "")),
    )
    return signed_file(row)


@router.post(
    "/orders",
    auth=_TOKEN,
    response={201: SigningOrderOut},
    url_name="prepare-signing",
    summary="Prepare a document for a person's wallet",
    openapi_extra=_form(
        form={"type": "string", "enum": ["pdf", "cms"]},
        name=_TEXT,
        reason=_TEXT,
        certificate={"type": "string", "description": "PEM, where it is known who will sign."},
    ),
)
def prepare(request: HttpRequest) -> Status[dict[str, Any]]:
    """Return the hash that the wallet signs. The document waits for 30 minutes."""
    owner = office.owner_of(_access(request))
    name, content = sent_file(request)
    made = orders.prepare(
        content,
        owner=owner,
        file_name=name,
        form=request.POST.get("form", "pdf"),
        name=request.POST.get("name", "")[:200],
        reason=request.POST.get("reason", "")[: office.MAX_REASON],
        certificate=request.POST.get("certificate", "").encode(),
    )
    return Status(HTTPStatus.CREATED, _shown(orders.find(made.order, owner=owner)))


@router.get("/orders/{order}", auth=_TOKEN, response=SigningOrderOut, summary="How an order stands")
def order(request: HttpRequest, order: uuid.UUID) -> dict[str, Any]:
    """Return an order of this token's."""
    return _shown(orders.find(order, owner=office.owner_of(_access(request))))


@router.post("/orders/{order}/sent", auth=_TOKEN, response=SigningOrderOut, summary="The hash goes out")
def sent(request: HttpRequest, order: uuid.UUID) -> dict[str, Any]:
    """Note that the wallet is asked; the answer is the same hash, however often."""
    owner = office.owner_of(_access(request))
    orders.sent(order, owner=owner)
    return _shown(orders.find(order, owner=owner))


@router.post(
    "/orders/{order}/completion",
    auth=_TOKEN,
    url_name="complete-signing",
    summary="Put the wallet's signature in",
    openapi_extra={"responses": _SIGNED},
)
def complete(request: HttpRequest, order: uuid.UUID, answer: WalletAnswerIn) -> HttpResponse:
    """Return the signed file. An answer over anything else changes nothing (``signing-answer-rejected``)."""
    owner = office.owner_of(_access(request))
    try:
        signature = base64.b64decode(answer.signature, validate=True)
        certificates = [base64.b64decode(each, validate=True) for each in answer.certificates]
    except (ValueError, binascii.Error):
        raise AnswerRejected(detail="base64") from None
    orders.complete(order, owner=owner, signature=signature, certificates=certificates)
    return signed_file(orders.find(order, owner=owner))


@router.post("/orders/{order}/refusal", auth=_TOKEN, response={204: None}, summary="The person said no")
def refuse(request: HttpRequest, order: uuid.UUID) -> Status[None]:
    """Give an order up; the document's bytes are dropped."""
    orders.refuse(order, owner=office.owner_of(_access(request)))
    return Status(HTTPStatus.NO_CONTENT, None)


@router.get("/archive", auth=_TOKEN, response=ArchiveOut, summary="Documents whose stamps are renewed")
def archive(request: HttpRequest) -> dict[str, Any]:
    """Return what is due and when, how often it was renewed, and why the last try failed."""
    office.owner_of(_access(request), archive=True)
    return {"documents": [_archived(each) for each in renewal.kept()]}


@router.post(
    "/archive",
    auth=_TOKEN,
    response={201: ArchivedOut},
    url_name="archive-document",
    summary="Keep a signed PDF provable",
    openapi_extra=_form(),
)
def keep(request: HttpRequest) -> Status[dict[str, Any]]:
    """Take a signed PDF in; its time-stamps are renewed before they stop proving anything.

    One without a document time-stamp becomes B-LTA first (`not-provable` says what is lacking for that).
    """
    office.owner_of(_access(request), archive=True)
    name, content = sent_file(request)
    return Status(HTTPStatus.CREATED, _archived(renewal.find(longterm.keep(content, file_name=name))))


@router.get(
    "/archive/{document}/content",
    auth=_TOKEN,
    summary="An archived document as it is now",
    openapi_extra={"responses": _SIGNED},
)
def archived_content(request: HttpRequest, document: uuid.UUID) -> HttpResponse:
    """Return the file with all its time-stamps."""
    office.owner_of(_access(request), archive=True)
    row = renewal.find(document)
    return file_response(bytes(row.content), row.file_name)


def signed_file(row: SigningOrder) -> HttpResponse:
    """Return what came of an order as a file."""
    return file_response(bytes(row.result), orders.result_name(row))


def file_response(data: bytes, name: str) -> HttpResponse:
    """Return bytes as a file that a browser saves and nobody keeps a copy of."""
    response = HttpResponse(data, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = str(content_disposition_header(True, name))  # noqa: FBT003 - the library's
    response.headers["Cache-Control"] = "no-store"
    return response


def _level(given: str) -> Level:
    try:
        return Level(given or Level.B)
    except ValueError:
        raise NotSignable(detail=f"level: {', '.join(Level)}") from None


def _access(request: HttpRequest) -> SigningAccess:
    return cast("SigningAccess", request.auth)  # type: ignore[attr-defined] # set by the framework


def sent_file(request: HttpRequest) -> tuple[str, bytes]:
    """Return name and content of the one file that a request sends; raises ``FileForSignatures``."""
    (file,) = uploads.taken(request, "file")
    with file:
        data = file.read()
    return PurePath(str(cast("UploadedFile[Any]", request.FILES["file"]).name)).name, data


def _shown(row: SigningOrder) -> dict[str, Any]:
    asked = orders.to_sign(row)
    return {
        "id": row.pk,
        "state": "expired" if row.state in {"prepared", "sent"} and not orders.is_open(row) else row.state,
        "file_name": row.file_name,
        "hash": base64.b64encode(asked.hash).decode(),
        "document_hash": base64.b64encode(asked.document_hash).decode(),
        "expires_at": row.expires_at,
    }


def _archived(row: ArchivedDocument) -> dict[str, Any]:
    return {
        "id": row.pk,
        "file_name": row.file_name,
        "state": renewal.state_of(row),
        "problem": row.problem,
        "kept_at": row.kept_at,
        "renew_at": row.renew_at,
        "renewed_at": row.renewed_at,
        "renewals": row.renewals,
        "sha256": bytes(row.sha256).hex(),
    }
