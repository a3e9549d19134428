"""Whether XML is what ETSI TS 119 612 demands: each element where it belongs, none missing, each of its form.

The standard's schema is not at hand on a node, so its content models (clause 5) stand here as a table. What
a schema cannot say is looked at as well: English in every text, an e-mail address in every address.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Final

from lxml import etree

from kouan.apps.signing.lists.document import EMAIL, WEBSITE
from kouan.apps.signing.lists.shapes import COUNTRY
from kouan.apps.signing.lists.xml import DS, TSL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_VERSION: Final = "6"
_NAMES: Final = ("Name+",)
_PLACES: Final = ("URI+",)
_ADDRESS: Final = ("PostalAddresses", "ElectronicAddress")
_IDENTITY: Final = ("ServiceTypeIdentifier", "ServiceName", "ServiceDigitalIdentity", "ServiceStatus")
CONTENT: Final[dict[str, tuple[str, ...]]] = {
    "TrustServiceStatusList": ("SchemeInformation", "TrustServiceProviderList?", "Signature?"),
    "SchemeInformation": (
        "TSLVersionIdentifier", "TSLSequenceNumber", "TSLType", "SchemeOperatorName", "SchemeOperatorAddress",
        "SchemeName", "SchemeInformationURI", "StatusDeterminationApproach", "SchemeTypeCommunityRules?",
        "SchemeTerritory?", "PolicyOrLegalNotice?", "HistoricalInformationPeriod", "PointersToOtherTSL?",
        "ListIssueDateTime", "NextUpdate", "DistributionPoints?", "SchemeExtensions?",
    ),
    "NextUpdate": ("dateTime?",),
    "SchemeOperatorName": _NAMES,
    "SchemeName": _NAMES,
    "TSPName": _NAMES,
    "ServiceName": _NAMES,
    "SchemeOperatorAddress": _ADDRESS,
    "TSPAddress": _ADDRESS,
    "PostalAddresses": ("PostalAddress+",),
    "PostalAddress": ("StreetAddress", "Locality", "StateOrProvince?", "PostalCode?", "CountryName"),
    "ElectronicAddress": _PLACES,
    "SchemeInformationURI": _PLACES,
    "TSPInformationURI": _PLACES,
    "TrustServiceProviderList": ("TrustServiceProvider+",),
    "TrustServiceProvider": ("TSPInformation", "TSPServices"),
    "TSPInformation": (
        "TSPName", "TSPTradeName?", "TSPAddress", "TSPInformationURI", "TSPInformationExtensions?",
    ),
    "TSPServices": ("TSPService+",),
    "TSPService": ("ServiceInformation", "ServiceHistory?"),
    "ServiceInformation": (
        *_IDENTITY, "StatusStartingTime", "SchemeServiceDefinitionURI?", "ServiceSupplyPoints?",
        "TSPServiceDefinitionURI?", "ServiceInformationExtensions?",
    ),
    "ServiceHistory": ("ServiceHistoryInstance*",),
    "ServiceHistoryInstance": (*_IDENTITY, "StatusStartingTime", "ServiceInformationExtensions?"),
    "ServiceDigitalIdentity": ("DigitalId+",),
}  # fmt: skip
"""What an element holds, in this order: ``?`` may be missing, ``+`` may repeat, ``*`` both."""
_ENGLISH: Final = frozenset({*(n for n, c in CONTENT.items() if c in {_NAMES, _PLACES}), "PostalAddresses"})
"""Elements whose children are in languages, one of them English (clause 5.1.4)."""
_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"


def _moment(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - its form alone counts; Z is UTC
    except ValueError:
        return False
    return True


def _mail(text: str) -> bool:
    return text.startswith("mailto:") and EMAIL.fullmatch(text.removeprefix("mailto:")) is not None


_FORMS: Final[dict[str, Callable[[str], object]]] = {
    "TSLVersionIdentifier": lambda text: text == _VERSION,
    "TSLSequenceNumber": re.compile(r"[1-9][0-9]*").fullmatch,
    "HistoricalInformationPeriod": re.compile(r"[0-9]+").fullmatch,
    "CountryName": COUNTRY.fullmatch,
    "ListIssueDateTime": _moment,
    "StatusStartingTime": _moment,
    "dateTime": _moment,
    "URI": lambda text: WEBSITE.fullmatch(text) or _mail(text),
}


def problems(root: etree._Element) -> tuple[str, ...]:
    """Return what is missing or out of place, each as ``element: what``; nothing where all is well."""
    return tuple(dict.fromkeys(_problems(root)))


def _problems(root: etree._Element) -> Iterator[str]:
    if root.tag != f"{{{TSL}}}TrustServiceStatusList" or not root.get("TSLTag"):
        yield "TrustServiceStatusList: TSLTag"
    for each in root.iter(f"{{{TSL}}}*"):
        name = _name(each)
        children = [_name(child) for child in each if isinstance(child.tag, str)]
        if name in CONTENT:
            yield from (f"{name}: {fault}" for fault in _order(CONTENT[name], children))
        elif not children and not (each.text or "").strip():
            yield f"{name}: empty"
        if name in _ENGLISH and "en" not in {child.get(_LANG) for child in each}:
            yield f"{name}: no English"
        if name == "ElectronicAddress" and not any(
            (child.text or "").startswith("mailto:") for child in each
        ):
            yield f"{name}: no e-mail address"
        form = _FORMS.get(name)
        if form is not None and not form(each.text or ""):
            yield f"{name}: {(each.text or '')[:40]}"


def _order(model: tuple[str, ...], children: list[str]) -> Iterator[str]:
    rest = list(children)
    for wanted in model:
        name = wanted.rstrip("?+*")
        count = 0
        while rest and rest[0] == name:
            rest.pop(0)
            count += 1
        if not count and wanted[-1] not in "?*":
            yield name
        if count > 1 and wanted[-1] not in "+*":
            yield f"{name} {count}"
    yield from (f"{each} out of place" for each in rest)


def _name(element: etree._Element) -> str:
    name = etree.QName(element)
    return name.localname if name.namespace in {TSL, DS} else str(element.tag)
