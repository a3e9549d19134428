"""Revocation data by hand: packed and signed where there is a network, taken in where there is none.

A bundle is a COSE_Sign1 (RFC 9052) by a side's signing key over CBOR. The lists in it are signed
by their CAs; the bundle's own signature says who collected them and when.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import crl, ocsp, pem
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from kouan.apps.signing.models import RevocationData
from kouan.apps.signing.validating.errors import UnusableRevocationData
from kouan.apps.signing.validating.naming import party
from kouan.core import cbor
from kouan.core.errors import KouanError
from kouan.core.trust import cose, queries

if TYPE_CHECKING:
    from collections.abc import Iterable

CONTENT_TYPE: Final = "application/vnd.kouan.revocation"
MAX_BUNDLE: Final = 256 << 20
MAX_ITEM: Final = 64 << 20
"""Bytes of one list."""
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Datum:
    """One list or response, read."""

    kind: str
    data: bytes
    issuer: str
    this_update: datetime
    next_update: datetime | None


def read(data: bytes, *, name: str) -> Datum:
    """Return what a file holds, DER or PEM; raises ``UnusableRevocationData``."""
    if len(data) > MAX_ITEM:
        raise UnusableRevocationData(name=name, detail=_("It is larger than 64 MB."))
    try:
        if pem.detect(data):
            _kind, _headers, data = pem.unarmor(data)
    except ValueError:
        raise UnusableRevocationData(name=name, detail=_("It is no well-formed PEM.")) from None
    for attempt in (_list, _response):
        try:
            return attempt(data)
        except Exception:  # noqa: BLE001, S112 - the library's errors on foreign bytes are many; the other kind is tried
            continue
    raise UnusableRevocationData(
        name=name, detail=_("It is neither a revocation list (CRL) nor a successful OCSP response.")
    )


def _list(data: bytes) -> Datum:
    found = crl.CertificateList.load(data, strict=True)
    body: Any = found["tbs_cert_list"]
    _ = found.issuer.hashable, found["signature_algorithm"]["algorithm"].dotted
    return Datum(
        "crl", data, party(found.issuer).name, body["this_update"].native, body["next_update"].native
    )


def _response(data: bytes) -> Datum:
    found = ocsp.OCSPResponse.load(data, strict=True)
    body = found.basic_ocsp_response["tbs_response_data"]
    one = body["responses"][0]
    who = body["responder_id"]
    name = party(who.chosen).name if who.name == "by_name" else who.chosen.native.hex()
    return Datum("ocsp", data, name, one["this_update"].native, one["next_update"].native)


def pack(data: Iterable[Datum]) -> bytes:
    """Return a bundle of some data, signed by this side now."""
    now = timezone.now()
    own = queries.own()
    payload = cbor.encode(
        {
            "v": _VERSION,
            "side": own.side,
            "at": now.astimezone(UTC).isoformat(timespec="seconds"),
            "data": [[each.kind, each.data] for each in data],
        }
    )
    return cose.sign1(payload, own.signer(now), content_type=CONTENT_TYPE)


def take(bundle: bytes, *, name: str) -> list[Datum]:
    """Take in a bundle of this side or of a member; returns what was new. Raises ``UnusableRevocationData``.

    All of it is taken or, if one thing in it cannot be read, nothing.
    """
    side, found = _opened(bundle, name)
    source = f"{side}:{hashlib.sha256(bundle).hexdigest()}"
    return store([read(data, name=f"{name}[{at}]") for at, data in enumerate(found)], source=source)


def _opened(bundle: bytes, name: str) -> tuple[str, list[bytes]]:
    own, now = queries.own(), timezone.now()
    for keys in (own.public, *queries.members()):
        try:
            verified = cose.verify1(
                bundle, keys.key_finder(now), content_type=CONTENT_TYPE, max_bytes=MAX_BUNDLE
            )
            content: Any = cbor.decode(verified.payload, max_bytes=MAX_BUNDLE)
        except (KouanError, ValueError):
            continue
        if content.get("v") == _VERSION and content.get("side") == keys.side:
            return keys.side, [bytes(data) for _kind, data in content["data"]]
    raise UnusableRevocationData(
        name=name,
        detail=_(
            "It is no bundle that this side or a member signed. Pack it anew with "
            "`kouan signing revocation pack`."
        ),
    )


def store(data: Iterable[Datum], *, source: str) -> list[Datum]:
    """Keep data, all or nothing; returns what was not here."""
    now, new = timezone.now(), []
    with transaction.atomic():
        for each in data:
            digest = hashlib.sha256(each.data).digest()
            _row, made = RevocationData.objects.get_or_create(
                digest=digest,
                defaults={
                    "kind": each.kind, "issuer": each.issuer[:300], "this_update": each.this_update,
                    "next_update": each.next_update, "received_at": now, "source": source[:80],
                    "data": each.data,
                },
            )  # fmt: skip
            if made:
                new.append(each)
    return new
