"""What the JSON API of this app takes and gives."""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 - read by the framework at run time
from typing import Annotated, Any, Final, Literal
from uuid import UUID  # noqa: TC003 - as above

from annotated_types import Len
from ninja import Schema
from pydantic import ConfigDict, Field, StringConstraints

from kouan.apps.validation.asking import MOST as MAX_QUESTIONS

AlgorithmName = Literal["sha-256", "sm3"]
DocumentTypeCode = Literal[
    "academic-qualification",
    "bank-statement",
    "corporate-credit-report",
    "kyc-report",
    "business-owner-credit-record",
    "other",
]


REGISTERED_ON: Final = (
    "The day on which the institution registered the document, which itself may bear another date."
)


class Document(Schema):
    """A document on the institution's register."""

    reference: str
    institution: str
    type: DocumentTypeCode
    state: Literal["valid", "expired", "revoked"]
    carried_as: Literal["json", "pdf", "package", "jwt"]
    algorithm: AlgorithmName
    digest: str
    issued_on: Annotated[date, Field(description=REGISTERED_ON)]
    expires_on: date | None
    registered_at: datetime
    revoked_at: datetime | None
    revocation_reason: str | None


class Revocation(Schema):
    """Why a document is taken back; the reason stays on this side."""

    model_config = ConfigDict(extra="forbid")
    reason: Literal["issued-in-error", "superseded", "content-wrong", "withdrawn", "fraud", "other"]


class FingerprintToAsk(Schema):
    """A question about a file whose fingerprint was computed elsewhere."""

    model_config = ConfigDict(extra="forbid")
    reference: Annotated[str, StringConstraints(max_length=80)]
    algorithm: AlgorithmName
    digest: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class FingerprintsToAsk(Schema):
    """Many such questions."""

    model_config = ConfigDict(extra="forbid")
    questions: Annotated[list[FingerprintToAsk], Len(1, MAX_QUESTIONS)]


class IssuerNames(Schema):
    """A name in the three scripts."""

    en: str
    zh_hant: str
    zh_hans: str


class IssuerOut(Schema):
    """The institution that issued a document."""

    code: str
    name: IssuerNames


class ValidationOut(Schema):
    """A question about a file and, once it is here, its answer.

    Only ``match``, ``expired`` and ``revoked`` name the issuer, the type and dates.
    """

    id: UUID
    state: Literal["waiting", "answered", "failed"]
    reference: str
    algorithm: AlgorithmName
    digest: str
    issuing_side: str
    crossed: bool
    asked_at: datetime
    received_at: datetime | None
    answered_at: datetime | None
    decided_at: datetime | None
    outcome: Literal["match", "mismatch", "unknown", "expired", "revoked"] | None
    issuer: IssuerOut | None
    document_type: DocumentTypeCode | None
    issued_on: Annotated[date | None, Field(description=REGISTERED_ON)]
    expires_on: date | None
    revoked_on: date | None
    failure: str | None
    evidence: str | None
    """Where the evidence bundle is, below this API's own address."""


class ValidationsOut(Schema):
    """A validation for each question, in order."""

    validations: list[ValidationOut]


class RefusedOut(Schema):
    """Why the register was not asked about a file."""

    code: str
    detail: str


class FileOut(Schema):
    """One file, and all that this node can say of it."""

    name: str
    fingerprint: Annotated[
        ValidationOut | None, Field(description="What the register says, as `POST /validations` answers.")
    ]
    refused: Annotated[
        RefusedOut | None,
        Field(description="Why the register was not asked: `no-mark` for a file that no institution marked."),
    ]
    signatures: Annotated[
        dict[str, Any] | None,
        Field(
            description="The report on the signatures in the file, a `FileReport` as "
            "`POST /signing/validations` answers with; null for a file without any."
        ),
    ]
    signature_apart: Annotated[
        dict[str, Any] | None,
        Field(description="The same on the signature that was sent beside the file; null where none was."),
    ]


class FilesOut(Schema):
    """An answer for each file, in order."""

    files: list[FileOut]
