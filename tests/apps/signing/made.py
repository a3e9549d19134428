"""Trust lists as the tests make them: authorities, entries and editions."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache

from kouan.apps.signing.lists import document, jades
from kouan.apps.signing.lists.domain import Contact, Edition, with_digest
from kouan.apps.signing.lists.entries import Said, entry_of
from kouan.apps.signing.lists.scheme import SCHEME, operator
from kouan.core.text import Localised
from kouan.demo.authorities import make

POLICY = "2.16.344.8.2.2008.810.2.2012.1.0"
DAY = timedelta(days=1)
ISSUED = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
NAME = Localised("Personal certificate", "個人證書", "个人证书")


@cache
def authority(name="Harbour", kind="p256"):
    """An authority, made once for all tests: keys are slow to make."""
    return make(name, kind)


CONTACT = Contact(
    street="1 Harbour Road",
    locality="Hong Kong",
    country="HK",
    email="enquiry@harbour.example",
    website="https://harbour.example/about",
    postal_code="999077",
    street_zh="海港道1號",
    locality_zh="香港",
)


def said(code="harbour-personal", *, of=None, **changes):
    of = of or authority()
    given = Said(
        code=code,
        name=NAME,
        provider=Localised("Harbour CA", "海港核證機關", "海港核证机关"),
        certificate_type="personal",
        root=of.root,
        issuing_ca=of.issuing,
        recognised_from=date(2024, 1, 1),
        last_day=date(2033, 12, 31),
        contact=asdict(CONTACT),
    )
    return replace(given, **changes)


def entry(code="harbour-personal", **changes):
    return entry_of(said(code, **changes), demonstration=True)


def edition(*entries, side="gd", sequence=1, previous=None, at=ISSUED, **changes):
    made = Edition(
        side=side,
        sequence=sequence,
        issued_at=at,
        next_update=at + 90 * DAY,
        entries=entries or (entry(),),
        previous=b"" if previous is None else previous.digest,
    )
    return replace(made, **changes)


def payload(said_):
    return document.written(said_, operator=operator(said_.side), scheme=SCHEME, officers=("a", "b"))


def signed(said_, keys, *, at=None):
    """The JWS of an edition by an officer of ``keys``' side, and the edition under its digest."""
    at = at or said_.issued_at
    signer = keys.one_time_signer(officer="LI Wei", organisation="Guangdong", at=datetime.now(UTC))
    jws = jades.sign(payload(said_), signer, at=max(at, datetime.now(UTC)))
    return jws, with_digest(said_, jades.digest(jws))
