"""Entries as officers and files say them: flat, with days, checked field by field."""

from __future__ import annotations

import base64
import re
import unicodedata
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta, timezone
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from kouan.apps.signing.domain import OID, POLICY_PREFIX
from kouan.apps.signing.lists.certificates import BadCertificate, check_pair, facts, names_made_up, pem_or_der
from kouan.apps.signing.lists.changes import sound
from kouan.apps.signing.lists.document import EMAIL, WEBSITE, moment, time_text
from kouan.apps.signing.lists.domain import CertificateType, Contact, Entry, Status, StatusChange
from kouan.apps.signing.lists.shapes import COUNTRY
from kouan.core.text import LANGUAGES, Localised

if TYPE_CHECKING:
    from collections.abc import Mapping

ZONE: Final = timezone(timedelta(hours=8))
"""In which a day begins and ends: that of all the sides."""
CODE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
MAX_WORDS: Final = 200
MAX_REASON: Final = 300
MAX_OID: Final = 100
CONTACT: Final = ("street", "locality", "country", "email", "website")
"""What is needed of an address."""
CONTACT_OPTIONAL: Final = ("postal_code", "street_zh", "locality_zh")
_FIRST: Final = date(2000, 1, 1)
_LAST: Final = date(2999, 12, 31)


class Problem(StrEnum):
    """What is wrong with a field."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    WORDS = "words"
    CODE = "code"
    TYPE = "type"
    NO_DAY = "no-day"
    OID = "oid"
    NO_CERTIFICATE = "no-certificate"
    NO_FILE = "no-file"
    NO_CA = "no-ca"
    NOT_SELF_SIGNED = "not-self-signed"
    OTHER_ROOT = "other-root"
    ENDS_BEFORE = "ends-before"
    OUTSIDE_CA = "outside-ca"
    HISTORY = "history"
    TWICE = "twice"
    MADE_UP = "made-up"
    COUNTRY = "country"
    EMAIL = "email"
    WEBSITE = "website"


_FORMS: Final = {
    "country": (COUNTRY, Problem.COUNTRY),
    "email": (EMAIL, Problem.EMAIL),
    "website": (WEBSITE, Problem.WEBSITE),
}


class BadEntry(ValueError):
    """A field that cannot stand so."""

    def __init__(self, field: str, problem: Problem) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Said:
    """An entry as it is given: days, not moments; certificates as PEM or DER."""

    code: str
    name: Localised
    provider: Localised
    certificate_type: str
    root: bytes
    issuing_ca: bytes
    recognised_from: date
    last_day: date
    policy_prefix: str = POLICY_PREFIX
    type_policies: tuple[str, ...] = ()
    superseded_on: date | None = None
    withdrawn_on: date | None = None
    reason: str = ""
    contact: Mapping[str, str] | None = None
    """The provider's, by the names of ``Contact``'s fields; nothing where it is not given."""


def entry_of(said: Said, *, demonstration: bool = False) -> Entry:
    """Return the entry that was given; raises ``BadEntry`` with the first field that is wrong."""
    _check_words(said)
    try:
        root, issuing = pem_or_der(said.root, "root"), pem_or_der(said.issuing_ca, "issuing_ca")
        check_pair(root, issuing)
    except BadCertificate as error:
        raise BadEntry(error.field, Problem(error.problem)) from None
    if not demonstration and any(map(names_made_up, (root, issuing))):
        raise BadEntry("root", Problem.MADE_UP)
    try:
        ca = facts(issuing)
    except ValueError:
        raise BadEntry("issuing_ca", Problem.NO_CERTIFICATE) from None
    begins_at, ends_at = begins(said.recognised_from), begins(said.last_day + timedelta(days=1))
    if ends_at <= begins_at:
        raise BadEntry("last_day", Problem.ENDS_BEFORE)
    if begins_at >= ca.not_after or ends_at <= ca.not_before:
        raise BadEntry("recognised_from", Problem.OUTSIDE_CA)
    entry = Entry(
        code=said.code,
        name=said.name,
        provider=said.provider,
        certificate_type=CertificateType(said.certificate_type),
        root=root,
        issuing_ca=issuing,
        recognised_from=begins_at,
        recognised_until=ends_at,
        history=_history(said, begins_at),
        policy_prefix=said.policy_prefix,
        type_policies=tuple(sorted(set(said.type_policies))),
        contact=contact_of(said.contact or {}),
        demonstration=demonstration,
    )
    if wrong := sound(entry):
        raise BadEntry(wrong, Problem.HISTORY)
    return entry


def contact_of(given: Mapping[str, str]) -> Contact | None:
    """Return where somebody is reached, ``None`` if nothing is given.

    Raises ``BadEntry`` with the field (``contact_street`` and so on) that is missing or wrong.
    """
    said = {name: given[name] for name in given if given[name]}
    if not said:
        return None
    chinese = {"street_zh", "locality_zh"} if said.keys() & {"street_zh", "locality_zh"} else set()
    for name in (*CONTACT, *sorted(chinese)):
        if name not in said:
            raise BadEntry(f"contact_{name}", Problem.MISSING)
    for name, text in said.items():
        form, problem = _FORMS.get(name, (None, Problem.WORDS))
        if not is_words(text) or (form is not None and not form.fullmatch(text)):
            raise BadEntry(f"contact_{name}", problem)
    return Contact(**said)


def _check_words(said: Said) -> None:
    if not CODE.fullmatch(said.code):
        raise BadEntry("code", Problem.CODE)
    for field, text in (("name", said.name), ("provider", said.provider)):
        for language in LANGUAGES:
            if not is_words(text.in_language(language)):
                raise BadEntry(f"{field}_{language.replace('-', '_')}", Problem.WORDS)
    if said.certificate_type not in set(CertificateType):
        raise BadEntry("certificate_type", Problem.TYPE)
    for field, oids in (("policy_prefix", (said.policy_prefix,)), ("type_policies", said.type_policies)):
        if not all(OID.fullmatch(each) and len(each) <= MAX_OID for each in oids):
            raise BadEntry(field, Problem.OID)
    if said.reason and not is_words(said.reason, MAX_REASON):
        raise BadEntry("reason", Problem.WORDS)


def begins(day: date) -> datetime:
    """Return the first moment of a day."""
    if not _FIRST <= day <= _LAST:
        raise BadEntry("recognised_from", Problem.NO_DAY)
    return datetime.combine(day, time.min, tzinfo=ZONE)


def last_day_of(entry: Entry) -> date:
    """Return the last day on which an entry is recognised."""
    return (entry.recognised_until.astimezone(ZONE) - timedelta(seconds=1)).date()


def is_words(text: str, most: int = MAX_WORDS) -> bool:
    """Whether a text may stand in a list: some words, nothing that cannot be shown."""
    shown = not any(unicodedata.category(each)[0] == "C" for each in text)
    return 0 < len(text) <= most and text == text.strip() and shown


def _history(said: Said, begins_at: datetime) -> tuple[StatusChange, ...]:
    history = [StatusChange(Status.RECOGNISED, begins_at)]
    for status, day in ((Status.SUPERSEDED, said.superseded_on), (Status.WITHDRAWN, said.withdrawn_on)):
        if day is not None:
            history.append(StatusChange(status, begins(day), said.reason))
    return tuple(history)


# How a draft keeps them.


def mapping_of(entry: Entry) -> dict[str, Any]:
    """Return an entry as JSON; ``entry_from`` reads it."""
    return {
        "code": entry.code,
        "name": entry.name.as_mapping(),
        "provider": entry.provider.as_mapping(),
        "certificate_type": str(entry.certificate_type),
        "root": base64.b64encode(entry.root).decode(),
        "issuing_ca": base64.b64encode(entry.issuing_ca).decode(),
        "recognised_from": time_text(entry.recognised_from),
        "recognised_until": time_text(entry.recognised_until),
        "history": [
            {"status": str(each.status), "since": time_text(each.since), "reason": each.reason}
            for each in entry.history
        ],
        "policy_prefix": entry.policy_prefix,
        "type_policies": list(entry.type_policies),
        "contact": None if entry.contact is None else asdict(entry.contact),
        "demonstration": entry.demonstration,
    }


def entry_from(kept: Mapping[str, Any]) -> Entry:
    """Return the entry of ``mapping_of``."""
    return Entry(
        code=kept["code"],
        name=Localised.from_mapping(kept["name"], where="name"),
        provider=Localised.from_mapping(kept["provider"], where="provider"),
        certificate_type=CertificateType(kept["certificate_type"]),
        root=base64.b64decode(kept["root"]),
        issuing_ca=base64.b64decode(kept["issuing_ca"]),
        recognised_from=moment(kept["recognised_from"]),
        recognised_until=moment(kept["recognised_until"]),
        history=tuple(
            StatusChange(Status(each["status"]), moment(each["since"]), each["reason"])
            for each in kept["history"]
        ),
        policy_prefix=kept["policy_prefix"],
        type_policies=tuple(kept["type_policies"]),
        contact=Contact(**kept["contact"]) if kept.get("contact") else None,
        demonstration=kept["demonstration"],
    )
