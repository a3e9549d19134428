"""Canonical forms of XML (Canonical XML 1.0, Exclusive XML Canonicalization 1.0), and what is left out."""

from __future__ import annotations

import copy
from typing import Any, Final

from lxml import etree

from kouan.apps.signing.validating.formats.plain import Refused
from kouan.apps.signing.validating.report import SubIndication

_INCLUSIVE: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
CANONICAL: Final = {
    f"{each}{tail}" for each in (_INCLUSIVE, _EXCLUSIVE) for tail in ("", "WithComments", "#WithComments")
}


def without(target: Any, signature: Any) -> Any:
    """Return a copy of an element in which the signature is not, as the transform has it (XMLDSig 6.6.4).

    The copy stands in a copy of its document, with what stands beside the root. Without a ``signature``
    nothing is taken out.
    """
    twin = copy.deepcopy(target.getroottree()).getroot()
    shown = _follow(twin, _trail(target))
    if signature is not None:
        take_out(_follow(twin, _trail(signature)))
    return shown


def take_out(element: Any) -> None:
    """Take an element out of its document; the text after it stays. Raises ``Refused`` for the root."""
    parent, before = element.getparent(), element.getprevious()
    if parent is None:
        raise Refused(SubIndication.FORMAT_FAILURE, "malformed-signature")
    if element.tail:
        if before is None:
            parent.text = (parent.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
    parent.remove(element)


def _trail(element: Any) -> list[int]:
    """Return the way from the root to an element: its place among its siblings, on each level."""
    steps: list[int] = []
    while (parent := element.getparent()) is not None:
        steps.append(parent.index(element))
        element = parent
    return steps[::-1]


def _follow(root: Any, trail: list[int]) -> Any:
    for step in trail:
        root = root[step]
    return root


def canonical(element: Any, method: Any, *, document: bool = False) -> bytes:
    """Return an element in canonical form: of ``method``, or Canonical XML 1.0 where there is none."""
    kind = _INCLUSIVE if method is None else method.get("Algorithm", _INCLUSIVE)
    if kind not in CANONICAL:
        raise Refused(SubIndication.GENERIC, "unsupported-canonicalisation")
    comments = kind.endswith("WithComments")
    whole = element.getroottree() if document else element
    prefixes: list[str] = []
    if kind.startswith(_EXCLUSIVE):
        listed = None if method is None else method.find(f"{{{_EXCLUSIVE}}}InclusiveNamespaces")
        prefixes = [] if listed is None else listed.get("PrefixList", "").split()
    elif not document:
        whole = _apex(element)
    if whole is element and element.getparent() is None:
        whole = copy.deepcopy(element)  # the library would take in what stands beside the root
    found: bytes = etree.tostring(
        whole,
        method="c14n",
        exclusive=kind.startswith(_EXCLUSIVE),
        with_comments=comments,
        inclusive_ns_prefixes=prefixes or None,
    )
    return found


def _apex(element: Any) -> Any:
    """Return an element with namespaces and xml: attributes that it stands in (Canonical XML 1.0, 2.4)."""
    apex = etree.Element(element.tag, nsmap=element.nsmap)
    for ancestor in element.iterancestors():
        for key, value in ancestor.attrib.items():
            if key.startswith("{http://www.w3.org/XML/1998/namespace}") and key not in apex.attrib:
                apex.set(key, value)
    for key, value in element.attrib.items():
        apex.set(key, value)
    apex.text = element.text
    for child in element:
        apex.append(copy.deepcopy(child))
    return apex
