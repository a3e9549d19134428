"""An edition as TS 119 612 XML, for programs that read the European form of trust lists.

The signed export bears an enveloped XAdES baseline B signature (ETSI EN 319 132-1) with ECDSA over P-256 and
SHA-256, by the officer who signed the edition. What is exported without their key says that it is unsigned.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from kouan.apps.signing.lists.certificates import key_identifier
from kouan.apps.signing.lists.document import LIST_TYPE, SERVICE, URN, postal, status_uri, time_text

if TYPE_CHECKING:
    from datetime import datetime

    from kouan.apps.signing.lists.domain import Contact, Edition, Entry, StatusChange
    from kouan.apps.signing.lists.jades import Signs
    from kouan.core.text import Localised

TSL: Final = "http://uri.etsi.org/02231/v2#"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED: Final = f"{DS}enveloped-signature"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
ECDSA: Final = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
PROPERTIES: Final = "http://uri.etsi.org/01903#SignedProperties"
_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_TAGS: Final = (("en", "en"), ("zh-Hant", "zh-hant"), ("zh-Hans", "zh-hans"))
UNSIGNED: Final = "Export without a signature: the signed list is the JWS with the digest "


def export(edition: Edition, *, operator: Localised, scheme: Localised, signed: bool) -> etree._Element:
    """Return an edition as ``TrustServiceStatusList`` (TS 119 612 V2.3.1), not yet signed."""
    root = etree.Element(f"{{{TSL}}}TrustServiceStatusList", nsmap={None: TSL, "ds": DS, "xades": XADES})
    root.set("TSLTag", "http://uri.etsi.org/19612/TSLTag")
    root.set("Id", f"list-{edition.side}-{edition.sequence}")
    if not signed:
        root.append(etree.Comment(f" {UNSIGNED}{edition.digest.hex()} "))
    about = _put(root, "SchemeInformation")
    _put(about, "TSLVersionIdentifier", "6")  # that of V2.3.1 and later
    _put(about, "TSLSequenceNumber", str(edition.sequence))
    _put(about, "TSLType", LIST_TYPE)
    _names(about, "SchemeOperatorName", operator)
    _address(about, "SchemeOperatorAddress", edition.publisher)
    _names(about, "SchemeName", scheme)
    if edition.information:
        _uris(_put(about, "SchemeInformationURI"), edition.information)
    _put(about, "StatusDeterminationApproach", f"{URN}:active")
    if edition.publisher is not None:
        _put(about, "SchemeTerritory", edition.publisher.country)
    _put(about, "HistoricalInformationPeriod", "65535")
    _put(about, "ListIssueDateTime", time_text(edition.issued_at))
    _put(_put(about, "NextUpdate"), "dateTime", time_text(edition.next_update))
    providers = _put(root, "TrustServiceProviderList") if edition.entries else None
    services: dict[tuple[Localised, Contact | None], etree._Element] = {}
    for entry in edition.entries:
        key = (entry.provider, entry.contact)
        if key not in services:
            provider = _put(providers, "TrustServiceProvider")
            information = _put(provider, "TSPInformation")
            _names(information, "TSPName", entry.provider)
            _address(information, "TSPAddress", entry.contact)
            if entry.contact is not None:
                _uris(_put(information, "TSPInformationURI"), entry.contact.website)
            services[key] = _put(provider, "TSPServices")
        _service(services[key], entry)
    return root


def text_of(root: etree._Element) -> str:
    """Return an element as a document."""
    text: str = etree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'


def sign(root: etree._Element, signer: Signs, *, at: datetime) -> None:
    """Put an enveloped XAdES-B signature into ``root``, over all of it."""
    digest = _digest(_canonical(root))
    id_ = f"xades-{uuid.uuid4().hex}"
    signature = etree.SubElement(root, f"{{{DS}}}Signature", Id=id_)
    info = _ds(signature, "SignedInfo")
    _ds(info, "CanonicalizationMethod", Algorithm=C14N)
    _ds(info, "SignatureMethod", Algorithm=ECDSA)
    whole = _ds(info, "Reference", URI="")
    transforms = _ds(whole, "Transforms")
    _ds(transforms, "Transform", Algorithm=ENVELOPED)
    _ds(transforms, "Transform", Algorithm=C14N)
    _digested(whole, digest)
    own = _ds(info, "Reference", URI=f"#{id_}-properties", Type=PROPERTIES)
    _ds(_ds(own, "Transforms"), "Transform", Algorithm=C14N)
    value = _ds(signature, "SignatureValue")
    data = _ds(_ds(signature, "KeyInfo"), "X509Data")
    for each in (signer.certificate, signer.authority):
        _ds(data, "X509Certificate").text = base64.b64encode(each).decode()
    properties = _properties(_ds(signature, "Object"), id_, signer.certificate, at)
    _digested(own, _digest(_canonical(properties)))
    r, s = decode_dss_signature(signer.sign(_canonical(info)))
    value.text = base64.b64encode(r.to_bytes(32) + s.to_bytes(32)).decode()


def _properties(holder: etree._Element, id_: str, certificate: bytes, at: datetime) -> etree._Element:
    qualifying = etree.SubElement(holder, f"{{{XADES}}}QualifyingProperties", Target=f"#{id_}")
    signed = etree.SubElement(qualifying, f"{{{XADES}}}SignedProperties", Id=f"{id_}-properties")
    parts = etree.SubElement(signed, f"{{{XADES}}}SignedSignatureProperties")
    etree.SubElement(parts, f"{{{XADES}}}SigningTime").text = time_text(at)
    cert = etree.SubElement(etree.SubElement(parts, f"{{{XADES}}}SigningCertificateV2"), f"{{{XADES}}}Cert")
    _digested(etree.SubElement(cert, f"{{{XADES}}}CertDigest"), _digest(certificate))
    of_data = etree.SubElement(
        etree.SubElement(signed, f"{{{XADES}}}SignedDataObjectProperties"),
        f"{{{XADES}}}DataObjectFormat",
        ObjectReference="",
    )
    etree.SubElement(of_data, f"{{{XADES}}}MimeType").text = "application/vnd.etsi.tsl+xml"
    return signed


def _service(holder: etree._Element, entry: Entry) -> None:
    service = _put(holder, "TSPService")
    *earlier, last = entry.history
    about = _put(service, "ServiceInformation")
    _stood(about, entry, last)
    extension = _put(_put(about, "ServiceInformationExtensions"), "Extension")
    extension.set("Critical", "true")
    said = etree.SubElement(extension, f"{{{URN}}}Recognition", nsmap={"kouan": URN})
    for name, text in (
        ("Code", entry.code),
        ("CertificateType", str(entry.certificate_type)),
        ("RecognisedFrom", time_text(entry.recognised_from)),
        ("RecognisedUntil", time_text(entry.recognised_until)),
        ("PolicyPrefix", entry.policy_prefix),
        *(("TypePolicy", each) for each in entry.type_policies),
        ("Root", base64.b64encode(entry.root).decode()),
        ("Demonstration", "true" if entry.demonstration else "false"),
    ):
        etree.SubElement(said, f"{{{URN}}}{name}").text = text
    if earlier:
        history = _put(service, "ServiceHistory")
        for each in reversed(earlier):
            _stood(_put(history, "ServiceHistoryInstance"), entry, each, past=True)


def _stood(holder: etree._Element, entry: Entry, change: StatusChange, *, past: bool = False) -> None:
    _put(holder, "ServiceTypeIdentifier", SERVICE)
    _names(holder, "ServiceName", entry.name)
    identity = _put(holder, "ServiceDigitalIdentity")
    if not past:
        _put(_put(identity, "DigitalId"), "X509Certificate", base64.b64encode(entry.issuing_ca).decode())
    # Section 5.6.3: what is past names the key, and leaves the certificate out.
    key = key_identifier(entry.issuing_ca)
    _put(_put(identity, "DigitalId"), "X509SKI", base64.b64encode(key).decode())
    _put(holder, "ServiceStatus", status_uri(change.status))
    _put(holder, "StatusStartingTime", time_text(change.since))


def _put(holder: etree._Element | None, name: str, text: str | None = None) -> etree._Element:
    assert holder is not None  # noqa: S101 - entries have a list to stand in
    made = etree.SubElement(holder, f"{{{TSL}}}{name}")
    made.text = text
    return made


def _address(holder: etree._Element, name: str, contact: Contact | None) -> None:
    if contact is None:
        return
    address = _put(holder, name)
    addresses = _put(address, "PostalAddresses")
    for language, parts in postal(contact):
        made = _put(addresses, "PostalAddress")
        made.set(_LANG, language)
        for part, text in parts.items():
            _put(made, "CountryName" if part == "Country" else part, text)
    _uris(_put(address, "ElectronicAddress"), f"mailto:{contact.email}", contact.website)


def _uris(holder: etree._Element, *uris: str) -> None:
    for each in uris:
        _put(holder, "URI", each).set(_LANG, "en")


def _names(holder: etree._Element, name: str, text: Localised) -> None:
    names = _put(holder, name)
    for tag, language in _TAGS:
        _put(names, "Name", text.in_language(language)).set(_LANG, tag)


def _ds(holder: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(holder, f"{{{DS}}}{name}", **attributes)


def _digested(holder: etree._Element, value: str) -> None:
    _ds(holder, "DigestMethod", Algorithm=SHA256)
    _ds(holder, "DigestValue").text = value


def _canonical(element: etree._Element) -> bytes:
    return bytes(etree.tostring(element, method="c14n", exclusive=True, with_comments=False))


def _digest(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()
