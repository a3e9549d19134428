"""The shapes of a list's JSON (ETSI TS 119 602), as it is read; the members' names are the standard's.

Unknown members are read past, as the standard has it; what counts here is strict.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kouan.apps.signing.domain import OID
from kouan.apps.signing.lists.changes import MOST_CHANGES, MOST_ENTRIES

MAX_CERTIFICATE: Final = 8192
COUNTRY: Final = re.compile(r"[A-Z]{2}")


class Part(BaseModel):
    """What is strict in what it knows, and reads past what it does not."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", defer_build=True)


Words = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Moment = Annotated[str, StringConstraints(min_length=20, max_length=20)]
Base64 = Annotated[str, StringConstraints(max_length=MAX_CERTIFICATE * 4 // 3 + 4)]
Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ReasonText = Annotated[str, StringConstraints(max_length=300)]
CodeText = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Oid = Annotated[str, StringConstraints(pattern=f"^{OID.pattern}$", max_length=100)]


class Words3(Part):
    """Words in one of the scripts."""

    lang: Literal["en", "zh-Hant", "zh-Hans"]
    value: Words


Names = Annotated[list[Words3], Field(min_length=3, max_length=3)]


class Value(Part):
    """Bytes, in base64."""

    val: Base64


class Certificates(Part):
    """The one certificate of an issuing CA."""

    X509Certificates: Annotated[list[Value], Field(min_length=1, max_length=1)]


class Recognition(Part):
    """What the scheme says of an entry, beyond the standard."""

    Code: CodeText
    CertificateType: Literal["personal", "organisation", "seal"]
    Root: Hex32
    RecognisedFrom: Moment
    RecognisedUntil: Moment
    PolicyPrefix: Oid
    TypePolicies: Annotated[list[Oid], Field(max_length=20)]
    Demonstration: bool
    Reason: ReasonText


Uri = Annotated[str, StringConstraints(max_length=100)]
Extensions = Annotated[list[dict[str, Any]], Field(max_length=20)]


class Information(Part):
    """An entry as it stands."""

    ServiceName: Names
    ServiceDigitalIdentity: Certificates
    ServiceStatus: Uri
    StatusStartingTime: Moment
    ServiceInformationExtensions: Extensions


class Earlier(Part):
    """How an entry stood before."""

    ServiceStatus: Uri
    StatusStartingTime: Moment
    ServiceInformationExtensions: Extensions


class Service(Part):
    """An entry."""

    ServiceInformation: Information
    ServiceHistory: Annotated[list[Earlier], Field(max_length=MOST_CHANGES)] = []


CountryCode = Annotated[str, StringConstraints(pattern=f"^{COUNTRY.pattern}$")]
PostcodeText = Annotated[str, StringConstraints(max_length=20)]
Address = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Postal(Part):
    """A postal address in a language."""

    lang: Annotated[str, StringConstraints(max_length=20)]
    StreetAddress: Words
    Locality: Words
    PostalCode: PostcodeText = ""
    Country: CountryCode


class Place(Part):
    """An address of the web, or of e-mail."""

    lang: Annotated[str, StringConstraints(max_length=20)]
    uriValue: Address  # noqa: N815 - the standard's


Postals = Annotated[list[Postal], Field(min_length=1, max_length=5)]
Places = Annotated[list[Place], Field(min_length=1, max_length=10)]


class TeAddress(Part):
    """Where a certification authority is reached."""

    TEPostalAddress: Postals
    TEElectronicAddress: Places


class OperatorAddress(Part):
    """Where the list's publisher is reached."""

    SchemeOperatorPostalAddress: Postals
    SchemeOperatorElectronicAddress: Places


class EntityInformation(Part):
    """A certification authority."""

    TEName: Names
    TEAddress: TeAddress | None = None


class Entity(Part):
    """A certification authority with its entries."""

    TrustedEntityInformation: EntityInformation
    TrustedEntityServices: Annotated[list[Service], Field(min_length=1, max_length=MOST_ENTRIES)]


class Seen(Part):
    """Another side's list as it was seen."""

    Side: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,16}$")]
    Sequence: Annotated[int, Field(ge=1, lt=1 << 31)]
    Digest: Hex32


class Scheme(Part):
    """The list itself: whose, which edition, when."""

    LoTEVersionIdentifier: Literal[1]
    LoTESequenceNumber: Annotated[int, Field(ge=1, lt=1 << 31)]
    LoTEType: Literal["urn:kouan:trust-list:mutual-recognition"]
    SchemeOperatorAddress: OperatorAddress | None = None
    SchemeInformationURI: Places | None = None
    ListIssueDateTime: Moment
    NextUpdate: Moment
    SchemeExtensions: Extensions


class Lote(Part):
    """A list of trusted entities."""

    ListAndSchemeInformation: Scheme
    TrustedEntitiesList: Annotated[list[Entity], Field(max_length=MOST_ENTRIES)]


class Document(Part):
    """The whole."""

    LoTE: Lote


class SchemeParts(Part):
    """What the scheme says of a list, beyond the standard."""

    side: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,16}$")]
    previous: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]
    seen: Annotated[list[Seen], Field(max_length=16)]
    roots: Annotated[list[Value], Field(max_length=MOST_ENTRIES)]
    sm2: Base64 = ""
