"""An edition as JSON after ETSI TS 119 602 (a list of trusted entities, LoTE), and back.

A trusted entity is a certification authority as an organisation, a service one entry. What the scheme says
beyond the standard stands in extensions under names that begin with ``urn:kouan:trust-list``.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from kouan.apps.signing.domain import fingerprint
from kouan.apps.signing.lists import shapes
from kouan.apps.signing.lists.changes import MOST_ENTRIES, sound
from kouan.apps.signing.lists.domain import (
    CertificateType,
    Contact,
    Edition,
    Entry,
    Seen,
    Status,
    StatusChange,
)
from kouan.core.text import LANGUAGES, Localised

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

URN: Final = "urn:kouan:trust-list"
LIST_TYPE: Final = f"{URN}:mutual-recognition"
SERVICE: Final = "http://uri.etsi.org/TrstSvc/Svctype/CA/PKC"
"""A CA that issues public key certificates (TS 119 612 section 5.5.1.2)."""
MAX_LIST: Final = 700_000
"""Bytes of an edition's JSON; signed it is a third longer, and fits into one message."""
_TAGS: Final = dict(zip(("en", "zh-Hant", "zh-Hans"), LANGUAGES, strict=True))
EMAIL: Final = re.compile(r"[!#-'*+/-9=?A-Z^-~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
WEBSITE: Final = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!#-;=?-Z_a-z~%]*)?")
_MAILTO: Final = "mailto:"
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


class MalformedList(ValueError):
    """Bytes that are no edition; the words say where, never what stands there."""


def written(edition: Edition, *, operator: Localised, scheme: Localised, officers: Iterable[str]) -> bytes:
    """Return an edition as JSON; raises ``ValueError`` if it is longer than ``MAX_LIST``."""
    roots = {each.root_fingerprint: _text(each.root) for each in edition.entries}
    extensions: list[dict[str, Any]] = [
        {f"{URN}:side": edition.side},
        {f"{URN}:previous": edition.previous.hex()},
        {
            f"{URN}:seen": [
                {"Side": each.side, "Sequence": each.sequence, "Digest": each.digest.hex()}
                for each in edition.others
            ]
        },
        {f"{URN}:roots": [{"val": roots[each]} for each in sorted(roots)]},
        {f"{URN}:officers": list(officers)},
    ]
    if edition.sm2_key:
        extensions.append({f"{URN}:sm2": _text(edition.sm2_key)})
    entities: dict[tuple[Localised, Contact | None], list[Entry]] = {}
    for entry in edition.entries:
        entities.setdefault((entry.provider, entry.contact), []).append(entry)
    publisher = _address("SchemeOperator", edition.publisher)
    information: dict[str, Any] = (
        {"SchemeInformationURI": _uris(edition.information)} if edition.information else {}
    )
    said = {
        "LoTE": {
            "ListAndSchemeInformation": {
                "LoTEVersionIdentifier": 1,
                "LoTESequenceNumber": edition.sequence,
                "LoTEType": LIST_TYPE,
                "SchemeOperatorName": _texts(operator),
                **publisher,
                "SchemeName": _texts(scheme),
                **information,
                "ListIssueDateTime": time_text(edition.issued_at),
                "NextUpdate": time_text(edition.next_update),
                "SchemeExtensions": extensions,
            },
            "TrustedEntitiesList": [
                {
                    "TrustedEntityInformation": _provider(provider, contact),
                    "TrustedEntityServices": [_service(each) for each in entries],
                }
                for (provider, contact), entries in entities.items()
            ],
        }
    }
    data = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    if len(data) > MAX_LIST:
        raise ValueError(f"an edition of {len(data)} bytes; {MAX_LIST} are the most")
    return data


def read(data: bytes) -> Edition:
    """Return the edition in its JSON, without digest; raises ``MalformedList``."""
    if len(data) > MAX_LIST:
        raise MalformedList("too long")
    try:
        said = shapes.Document.model_validate_json(data).LoTE
        return _edition(said)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise MalformedList(".".join(str(part) for part in first["loc"])[:200]) from None
    except (ValueError, OverflowError, RecursionError) as error:
        raise MalformedList(str(error)[:200]) from None


def time_text(at: datetime) -> str:
    """Return a moment in UTC, in whole seconds (RFC 3339)."""
    return at.astimezone(UTC).strftime(_TIME)


def moment(text: str) -> datetime:
    """Return the moment of ``time_text``; raises ``ValueError`` for any other form."""
    try:
        at = datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except ValueError:  # whose words would repeat the text
        raise ValueError("a moment in another form") from None
    if time_text(at) != text:
        raise ValueError("a moment in another form")
    return at


def der_of(text: str) -> bytes:
    """Return the bytes of base64 in its one form; raises ``ValueError``."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("base64") from None
    if not data or len(data) > shapes.MAX_CERTIFICATE or _text(data) != text:
        raise ValueError("a certificate or key of another form")
    return data


def _service(entry: Entry) -> dict[str, Any]:
    last, *earlier = reversed(entry.history)
    extension = {
        "Code": entry.code,
        "CertificateType": str(entry.certificate_type),
        "Root": entry.root_fingerprint,
        "RecognisedFrom": time_text(entry.recognised_from),
        "RecognisedUntil": time_text(entry.recognised_until),
        "PolicyPrefix": entry.policy_prefix,
        "TypePolicies": list(entry.type_policies),
        "Demonstration": entry.demonstration,
        "Reason": last.reason,
    }
    service: dict[str, Any] = {
        "ServiceInformation": {
            "ServiceTypeIdentifier": SERVICE,
            "ServiceName": _texts(entry.name),
            "ServiceDigitalIdentity": {"X509Certificates": [{"val": _text(entry.issuing_ca)}]},
            "ServiceStatus": status_uri(last.status),
            "StatusStartingTime": time_text(last.since),
            "ServiceInformationExtensions": [{f"{URN}:recognition": extension}],
        }
    }
    if earlier:
        service["ServiceHistory"] = [
            {
                "ServiceTypeIdentifier": SERVICE,
                "ServiceName": _texts(entry.name),
                "ServiceDigitalIdentity": {"OtherIds": [fingerprint(entry.issuing_ca)]},
                "ServiceStatus": status_uri(each.status),
                "StatusStartingTime": time_text(each.since),
                "ServiceInformationExtensions": [{f"{URN}:reason": each.reason}],
            }
            for each in earlier
        ]
    return service


def status_uri(status: Status) -> str:
    """Return the name under which a list gives a status."""
    return f"{URN}:status:{status}"


def postal(contact: Contact) -> list[tuple[str, dict[str, str]]]:
    """Return each postal address with its language, its parts under their names and in their order."""
    found = [("en", contact.street, contact.locality)]
    if contact.street_zh:
        found.append(("zh", contact.street_zh, contact.locality_zh))
    return [
        (
            language,
            {
                "StreetAddress": street,
                "Locality": locality,
                **({"PostalCode": contact.postal_code} if contact.postal_code else {}),
                "Country": contact.country,
            },
        )
        for language, street, locality in found
    ]


def _provider(name: Localised, contact: Contact | None) -> dict[str, Any]:
    said: dict[str, Any] = {"TEName": _texts(name), **_address("TE", contact)}
    if contact is not None:
        said["TEInformationURI"] = _uris(contact.website)
    return said


def _address(whose: str, contact: Contact | None) -> dict[str, Any]:
    if contact is None:
        return {}
    return {
        f"{whose}Address": {
            f"{whose}PostalAddress": [{"lang": lang, **parts} for lang, parts in postal(contact)],
            f"{whose}ElectronicAddress": _uris(f"mailto:{contact.email}", contact.website),
        }
    }


def _uris(*uris: str) -> list[dict[str, str]]:
    return [{"lang": "en", "uriValue": each} for each in uris]


def _texts(text: Localised) -> list[dict[str, str]]:
    return [{"lang": tag, "value": text.in_language(language)} for tag, language in _TAGS.items()]


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _edition(said: shapes.Lote) -> Edition:
    scheme = said.ListAndSchemeInformation
    parts = shapes.SchemeParts.model_validate(_named(scheme.SchemeExtensions))
    roots = {fingerprint(der): der for der in (der_of(each.val) for each in parts.roots)}
    entries = tuple(
        _entry(entity.TrustedEntityInformation, service, roots)
        for entity in said.TrustedEntitiesList
        for service in entity.TrustedEntityServices
    )
    if len({each.code for each in entries}) < len(entries) or len(entries) > MOST_ENTRIES:
        raise ValueError("an entry stands twice, or there are too many")
    return Edition(
        side=parts.side,
        sequence=scheme.LoTESequenceNumber,
        issued_at=moment(scheme.ListIssueDateTime),
        next_update=moment(scheme.NextUpdate),
        entries=entries,
        previous=bytes.fromhex(parts.previous),
        publisher=None
        if scheme.SchemeOperatorAddress is None
        else _contact(
            scheme.SchemeOperatorAddress.SchemeOperatorPostalAddress,
            scheme.SchemeOperatorAddress.SchemeOperatorElectronicAddress,
        ),
        information=_website(scheme.SchemeInformationURI[0].uriValue) if scheme.SchemeInformationURI else "",
        others=tuple(Seen(each.Side, each.Sequence, bytes.fromhex(each.Digest)) for each in parts.seen),
        sm2_key=der_of(parts.sm2) if parts.sm2 else b"",
    )


def _contact(addresses: list[shapes.Postal], places: list[shapes.Place]) -> Contact:
    """Return where somebody is reached; raises ``ValueError`` for what could not have been written so."""
    english = next((each for each in addresses if each.lang == "en"), None)
    chinese = next((each for each in addresses if each.lang.startswith("zh")), None)
    emails = [each.uriValue for each in places if each.uriValue.startswith(_MAILTO)]
    websites = [each.uriValue for each in places if not each.uriValue.startswith(_MAILTO)]
    if english is None or not emails or not websites:
        raise ValueError("an address without English, e-mail or website")
    texts = (english.StreetAddress, english.Locality, english.PostalCode) + (
        () if chinese is None else (chinese.StreetAddress, chinese.Locality)
    )
    email = emails[0].removeprefix(_MAILTO)
    if not all(map(_is_shown, texts)) or not EMAIL.fullmatch(email):
        raise ValueError("an address with characters that cannot be shown")
    return Contact(
        street=english.StreetAddress,
        locality=english.Locality,
        country=english.Country,
        email=email,
        website=_website(websites[0]),
        postal_code=english.PostalCode,
        street_zh="" if chinese is None else chinese.StreetAddress,
        locality_zh="" if chinese is None else chinese.Locality,
    )


def _website(text: str) -> str:
    if not WEBSITE.fullmatch(text):
        raise ValueError("an address that is no website's")
    return text


def _entry(about: shapes.EntityInformation, service: shapes.Service, roots: Mapping[str, bytes]) -> Entry:
    said = service.ServiceInformation
    extension = shapes.Recognition.model_validate(
        _named(said.ServiceInformationExtensions).get("recognition")
    )
    history = [
        StatusChange(
            _status(each.ServiceStatus),
            moment(each.StatusStartingTime),
            _checked_reason(_named(each.ServiceInformationExtensions).get("reason", "")),
        )
        for each in reversed(service.ServiceHistory)
    ]
    history.append(
        StatusChange(
            _status(said.ServiceStatus), moment(said.StatusStartingTime), _checked_reason(extension.Reason)
        )
    )
    root = roots.get(extension.Root)
    if root is None:
        raise ValueError("an entry's root is not in the list")
    entry = Entry(
        code=extension.Code,
        name=_localised(said.ServiceName),
        provider=_localised(about.TEName),
        contact=None
        if about.TEAddress is None
        else _contact(about.TEAddress.TEPostalAddress, about.TEAddress.TEElectronicAddress),
        certificate_type=CertificateType(extension.CertificateType),
        root=root,
        issuing_ca=der_of(said.ServiceDigitalIdentity.X509Certificates[0].val),
        recognised_from=moment(extension.RecognisedFrom),
        recognised_until=moment(extension.RecognisedUntil),
        history=tuple(history),
        policy_prefix=extension.PolicyPrefix,
        type_policies=tuple(extension.TypePolicies),
        demonstration=extension.Demonstration,
    )
    if wrong := sound(entry):
        raise ValueError(f"an entry's {wrong}")
    return entry


def _named(extensions: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the scheme's own extensions by their last names; raises ``ValueError`` for one that repeats."""
    found: dict[str, Any] = {}
    for each in extensions:
        for name, value in each.items():
            key = name.removeprefix(f"{URN}:")
            if key in found:
                raise ValueError("an extension stands twice")
            if key != name:
                found[key] = value
    return found


def _status(uri: str) -> Status:
    try:
        return Status(uri.removeprefix(f"{URN}:status:"))
    except ValueError:
        raise ValueError("a status") from None


def _checked_reason(value: object) -> str:
    if not isinstance(value, str) or len(value) > 300 or not _is_shown(value):  # noqa: PLR2004 - as ``shapes.ReasonText``
        raise ValueError("a reason")
    return value


def _is_shown(text: str) -> bool:
    return not any(unicodedata.category(each)[0] == "C" for each in text)


def _localised(texts: list[shapes.Words3]) -> Localised:
    said = {_TAGS[each.lang]: each.value for each in texts}
    if not all(map(_is_shown, said.values())):
        raise ValueError("a name with characters that cannot be shown")
    return Localised.from_mapping(said, where="a name")
