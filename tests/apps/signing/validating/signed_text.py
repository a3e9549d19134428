"""XAdES and JAdES signatures for tests, made by hand from the steps of the standards."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

import signed_papers as papers
from signed_papers import DAY, NOW

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
XADES_141 = "http://uri.etsi.org/01903/v1.4.1#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
ECDSA = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SIGD = "http://uri.etsi.org/19182/"
BARE = (
    "<ds:Transform Algorithm='http://www.w3.org/TR/1999/REC-xpath-19991116'>"
    "<ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath></ds:Transform>"
)
"""The transform that leaves every signature out."""


def b64(data):
    return base64.b64encode(data).decode()


def url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def digest(data):
    return b64(hashlib.sha256(data).digest())


def c14n(element):
    return etree.tostring(element, method="c14n", exclusive=True)


def raw(who, data):
    """Return an ECDSA signature, r and s side by side, or what a ``made_with.Holder`` makes of it."""
    if hasattr(who, "raw"):
        return who.raw(data)
    r, s = decode_dss_signature(who.key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def above(who):
    """Return the certificate of who issued somebody's."""
    return getattr(who, "above", None) or papers.authority().der


def stamped(data, at, **by):
    """Return a time-stamp token over data, DER."""
    return asyncio.run(
        papers.time_stamper(at, **by).async_timestamp(hashlib.sha256(data).digest(), "sha256")
    ).dump()


# XML


def xml_signature(  # noqa: PLR0913 - what a signature is made of
    octets, *, uri, transforms="", who=None, inside="", mark=""
):
    """Return a XAdES B signature over octets that a reference to ``uri`` gives; ``inside`` is put into it.

    ``mark`` ends its ids, so that it can stand beside another.
    """
    who = who or papers.signer()
    properties = (
        f"<x:SignedProperties xmlns:x='{XADES}' xmlns:ds='{DS}' Id='sp{mark}'><x:SignedSignatureProperties>"
        "<x:SigningCertificateV2><x:Cert><x:CertDigest>"
        f"<ds:DigestMethod Algorithm='{SHA256}'/><ds:DigestValue>{digest(who.der)}</ds:DigestValue>"
        "</x:CertDigest></x:Cert></x:SigningCertificateV2></x:SignedSignatureProperties></x:SignedProperties>"
    )
    info = (
        f"<ds:SignedInfo xmlns:ds='{DS}'><ds:CanonicalizationMethod Algorithm='{EXCLUSIVE}'/>"
        f"<ds:SignatureMethod Algorithm='{getattr(who, 'xml', ECDSA)}'/>"
        f"<ds:Reference URI='{uri}'><ds:Transforms>{transforms}</ds:Transforms>"
        f"<ds:DigestMethod Algorithm='{SHA256}'/><ds:DigestValue>{digest(octets)}</ds:DigestValue>"
        f"</ds:Reference><ds:Reference URI='#sp{mark}'><ds:Transforms><ds:Transform Algorithm='{EXCLUSIVE}'/>"
        f"</ds:Transforms><ds:DigestMethod Algorithm='{SHA256}'/>"
        f"<ds:DigestValue>{digest(c14n(etree.fromstring(properties)))}</ds:DigestValue></ds:Reference>"
        "</ds:SignedInfo>"
    )
    value = b64(raw(who, c14n(etree.fromstring(info))))
    chain = "".join(f"<ds:X509Certificate>{b64(each)}</ds:X509Certificate>" for each in (who.der, above(who)))
    return etree.fromstring(
        f"<ds:Signature xmlns:ds='{DS}' Id='sig{mark}'>{info}<ds:SignatureValue>{value}</ds:SignatureValue>"
        f"<ds:KeyInfo><ds:X509Data>{chain}</ds:X509Data></ds:KeyInfo>{inside}<ds:Object>"
        f"<x:QualifyingProperties xmlns:x='{XADES}' Target='#sig{mark}'>{properties}</x:QualifyingProperties>"
        "</ds:Object></ds:Signature>"
    )


def written(root):
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def enveloped(who=None, transforms=None):
    root = etree.fromstring("<permit><fee>100</fee></permit>")
    steps = transforms or f"<ds:Transform Algorithm='{DS}enveloped-signature'/>"
    steps += f"<ds:Transform Algorithm='{EXCLUSIVE}'/>"
    root.append(xml_signature(c14n(root), uri="", transforms=steps, who=who))
    return root


def _added(signature, text):
    """Put an unsigned property into a signature, the last of them."""
    qualifying = signature.find(f".//{{{XADES}}}QualifyingProperties")
    holder = qualifying.find(f".//{{{XADES}}}UnsignedSignatureProperties")
    if holder is None:
        outer = etree.SubElement(qualifying, f"{{{XADES}}}UnsignedProperties")
        holder = etree.SubElement(outer, f"{{{XADES}}}UnsignedSignatureProperties")
    holder.append(etree.fromstring(text))


def with_signature_stamp(root, at, **by):
    """Add a time-stamp of the signature (EN 319 132-1 section 5.3)."""
    signature = next(root.iter(f"{{{DS}}}Signature"))
    token = stamped(c14n(signature.find(f"{{{DS}}}SignatureValue")), at, **by)
    _added(
        signature,
        f"<x:SignatureTimeStamp xmlns:x='{XADES}' xmlns:ds='{DS}'>"
        f"<ds:CanonicalizationMethod Algorithm='{EXCLUSIVE}'/>"
        f"<x:EncapsulatedTimeStamp>{b64(token)}</x:EncapsulatedTimeStamp></x:SignatureTimeStamp>",
    )


def with_lists(root, crls):
    """Add revocation lists (section 5.4)."""
    values = "".join(f"<x:EncapsulatedCRLValue>{b64(each)}</x:EncapsulatedCRLValue>" for each in crls)
    _added(
        next(root.iter(f"{{{DS}}}Signature")),
        f"<x:RevocationValues xmlns:x='{XADES}'><x:CRLValues>{values}</x:CRLValues></x:RevocationValues>",
    )


def with_archive_stamp(root, octets, at, **by):
    """Add a time-stamp of the archive (section 5.5.2); ``octets`` are what the first reference gives."""
    signature = next(root.iter(f"{{{DS}}}Signature"))
    over = octets + c14n(signature.find(f".//{{{XADES}}}SignedProperties"))
    over += b"".join(
        c14n(signature.find(f"{{{DS}}}{each}")) for each in ("SignedInfo", "SignatureValue", "KeyInfo")
    )
    over += b"".join(c14n(each) for each in signature.find(f".//{{{XADES}}}UnsignedSignatureProperties"))
    over += b"".join(
        c14n(each)
        for each in signature.findall(f"{{{DS}}}Object")
        if each.find(f"{{{XADES}}}QualifyingProperties") is None
    )
    token = stamped(over, at, **by)
    _added(
        signature,
        f"<y:ArchiveTimeStamp xmlns:y='{XADES_141}' xmlns:x='{XADES}' xmlns:ds='{DS}'>"
        f"<ds:CanonicalizationMethod Algorithm='{EXCLUSIVE}'/>"
        f"<x:EncapsulatedTimeStamp>{b64(token)}</x:EncapsulatedTimeStamp></y:ArchiveTimeStamp>",
    )


# JWS


class Jws:
    """A flattened JWS that is added to."""

    def __init__(self, payload=b'{"a":1}', *, who=None, **header):
        who = who or papers.signer()
        header = {
            "alg": getattr(who, "jws", "ES256"),
            "x5c": [b64(each) for each in (who.der, above(who))],
            "x5t#S256": url(hashlib.sha256(who.der).digest()),
            "iat": int((NOW - DAY).timestamp()),
            **header,
        }
        self.protected = url(json.dumps(header).encode())
        bare = header.get("b64") is False
        self.about = payload if bare else url(payload).encode()
        digested = header.get("sigD", {}).get("mId") == f"{SIGD}ObjectIdByURIHash"
        self.value = url(raw(who, self.protected.encode() + b"." + (b"" if digested else self.about)))
        self.components = []

    def add(self, **component):
        self.components.append(url(json.dumps(component).encode()))

    def stamp(self, at, **by):
        token = {"val": b64(stamped(self.value.encode(), at, **by))}
        self.add(sigTst={"tstTokens": [token]})

    def archive(self, at, *, dot=b".", **by):
        over = self.about + f".{self.protected}.{self.value}".encode() + dot
        over += "".join(self.components).encode()
        self.add(arcTst={"tstTokens": [{"val": b64(stamped(over, at, **by))}]})

    def written(self, *, detached=False):
        whole = {"protected": self.protected, "signature": self.value}
        if not detached:
            whole["payload"] = self.about.decode()
        if self.components:
            whole["header"] = {"etsiU": self.components}
        return json.dumps(whole).encode()
