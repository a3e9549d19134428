"""What an XML signature is about (XMLDSig 1.1 section 4.4.3): its references, by a few rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from kouan.apps.signing.validating import keys
from kouan.apps.signing.validating.formats import base
from kouan.apps.signing.validating.formats.canonical import CANONICAL, canonical, take_out, without
from kouan.apps.signing.validating.formats.plain import Refused, from_base64
from kouan.apps.signing.validating.report import SubIndication

if TYPE_CHECKING:
    from collections.abc import Callable

DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_BASE64: Final = "http://www.w3.org/2000/09/xmldsig#base64"
_XPATH: Final = "http://www.w3.org/TR/1999/REC-xpath-19991116"
_NO_SIGNATURES: Final = re.compile(r"\s*not\(\s*ancestor-or-self::([A-Za-z_][\w.-]*):Signature\s*\)\s*")
"""The one path that is read: all but signatures. Many programs write it where others say *enveloped*."""
DIGESTS: Final = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    f"{_MORE}sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
    "urn:oid:1.2.156.10197.1.401": "sm3",
}
WEAK: Final = {"http://www.w3.org/2000/09/xmldsig#sha1", f"{_MORE}md5"}
IDS: Final = ("Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id")


@dataclass(frozen=True, slots=True)
class Covered:
    """What a reference is about, its digest checked."""

    element: Any
    """``None`` for a document beside this one."""
    octets: Callable[[Any], bytes]
    """What was digested; where no transform made bytes of it, by the canonicalisation that is given."""
    document: bool = False
    """Whether it is the whole document, with what stands beside the root."""
    text_only: bool = False
    """Whether the element's text alone was digested, and not its name and attributes."""
    bare: bool = False
    """Whether every signature in it was left out, and not only the one that the reference is of."""


def parsed(data: bytes) -> Any:
    """Return a document's root; raises ``Unreadable``."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=False
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise base.Unreadable("malformed-xml") from None
    if root.getroottree().docinfo.doctype:
        raise base.Unreadable("xml-with-dtd")
    return root


def elsewhere(reference: Any) -> bool:
    """Whether a reference is about something outside its document."""
    uri = reference.get("URI")
    return uri is None or bool(uri and not uri.startswith("#"))


@dataclass(slots=True)
class _Steps:
    """The transforms of a reference, of those that are read, in an order that makes sense."""

    enveloped: bool = False
    bare: bool = False
    """Without any signature, not only without the one that it is in."""
    decoded: bool = False
    method: Any = None


def _steps(reference: Any) -> _Steps:
    found = _Steps()
    for each in reference.findall(f"{DS}Transforms/{DS}Transform"):
        kind = each.get("Algorithm", "")
        if found.method is not None or found.decoded:
            raise Refused(SubIndication.GENERIC, "unsupported-transform")
        if kind == _ENVELOPED:
            found.enveloped = True
        elif kind == _XPATH and _no_signatures(each):
            found.bare = True
        elif kind == _BASE64:
            found.decoded = True
        elif kind in CANONICAL:
            found.method = each
        else:
            raise Refused(SubIndication.GENERIC, "unsupported-transform")
    return found


def _no_signatures(transform: Any) -> bool:
    paths = transform.findall(f"{DS}XPath")
    found = _NO_SIGNATURES.fullmatch(paths[0].text or "") if len(paths) == 1 else None
    return found is not None and f"{{{paths[0].nsmap.get(found[1])}}}" == DS


def followed(reference: Any, signature: Any, beside: base.Beside | None) -> Covered:
    """Return what a reference covers, its digest checked; raises ``Refused``."""
    name = named(one(reference, f"{DS}DigestMethod"), DIGESTS, WEAK)
    uri, steps = reference.get("URI"), _steps(reference)
    root = signature.getroottree().getroot()
    target = None
    if elsewhere(reference):
        if beside is None:
            raise Refused(SubIndication.SIGNED_DATA_NOT_FOUND, "signed-data-elsewhere")
        octets = _octets_beside(beside.take(), steps)
    else:
        target = root if not uri else _by_id(root, uri[1:])
        octets = _octets(target, signature, steps, document=not uri)
    if keys.digest(name, octets(None)) != from_base64(one(reference, f"{DS}DigestValue").text):
        raise Refused(SubIndication.HASH_FAILURE, "changed-since-signing")
    return Covered(
        target,
        octets,
        document=uri == "" and not steps.decoded,
        text_only=steps.decoded,
        bare=steps.bare,
    )


def _octets(target: Any, signature: Any, steps: _Steps, *, document: bool) -> Callable[[Any], bytes]:
    shown = without(target, signature) if steps.enveloped else target
    if steps.bare:
        shown = _bare(shown)
    if steps.decoded:
        # Of an element with others in it only their text would be covered, and not what they are.
        if len(shown):
            raise Refused(SubIndication.GENERIC, "unsupported-transform")
        data = from_base64(shown.text)
        return lambda _: data
    return lambda default: canonical(
        shown, default if steps.method is None else steps.method, document=document
    )


def _bare(target: Any) -> Any:
    """Return a copy of an element in which no signature is."""
    twin = without(target, None)
    if twin.tag == f"{DS}Signature":
        raise Refused(SubIndication.FORMAT_FAILURE, "malformed-signature")
    for each in list(twin.iter(f"{DS}Signature")):
        if each.getparent() is not None:
            take_out(each)
    return twin


def _octets_beside(data: bytes, steps: _Steps) -> Callable[[Any], bytes]:
    """Return what was digested of a document beside this one: its bytes, or its canonical form."""
    if steps.enveloped or steps.bare or steps.decoded:
        raise Refused(SubIndication.GENERIC, "unsupported-transform")
    if steps.method is None:
        return lambda _: data
    try:
        root = parsed(data)
    except base.Unreadable:
        raise Refused(SubIndication.FORMAT_FAILURE, "document-beside-not-xml") from None
    return lambda _: canonical(root, steps.method, document=True)


def _by_id(root: Any, wanted: str) -> Any:
    found = [
        each
        for each in root.iter()
        if isinstance(each.tag, str) and any(each.get(key) == wanted for key in IDS)
    ]
    if len(found) != 1:
        code = "duplicate-id" if found else "signed-element-missing"
        raise Refused(SubIndication.FORMAT_FAILURE if found else SubIndication.SIGNED_DATA_NOT_FOUND, code)
    return found[0]


def one(parent: Any, tag: str) -> Any:
    """Return the one element of a name below another; raises ``Refused`` for none or several."""
    found = parent.findall(tag)
    if len(found) != 1:
        raise Refused(SubIndication.FORMAT_FAILURE, "malformed-signature")
    return found[0]


def named(method: Any, known: dict[str, Any], weak: set[str]) -> Any:
    """Return what is known under the algorithm that an element names; raises ``Refused``."""
    name = method.get("Algorithm", "")
    if name in weak:
        raise Refused(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "weak-algorithm")
    if name not in known:
        raise Refused(SubIndication.GENERIC, "unsupported-algorithm")
    return known[name]
