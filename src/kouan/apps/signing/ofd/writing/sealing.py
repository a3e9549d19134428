"""Makes seals of GM/T 0031-2014, GB/T 38540 and GM/T 0031-2025, and seals OFD documents with them.

Whoever calls brings the keys. A seal made here is as good as its maker's certificate, and no better.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from xml.sax.saxutils import quoteattr

from kouan.apps.signing.ofd import algorithms, certificate, der, markup
from kouan.apps.signing.ofd.writing import package

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from kouan.apps.signing.ofd.writing.package import Parts

_VENDOR: Final = "KOUAN"
_FIRST: Final = 1
_BODY: Final = 1
"""The type of a seal of a body, rather than a person."""


class Signer(Protocol):
    """Somebody with a certificate and its key."""

    @property
    def certificate(self) -> bytes:
        """The certificate in DER."""

    @property
    def algorithm(self) -> str:
        """The object identifier of the signature algorithm."""

    def sign(self, data: bytes) -> bytes:
        """Return a signature over ``data``."""


@dataclass(frozen=True, slots=True)
class Look:
    """A seal's picture: its type (``png``, ``ofd`` …), its bytes, and its sides in millimetres."""

    kind: str
    data: bytes
    width: int = 40
    height: int = 40


@dataclass(frozen=True, slots=True)
class Place:
    """Where a seal stands: the page's identifier and a box in millimetres."""

    page: str
    box: tuple[float, float, float, float]


def make_seal(  # noqa: PLR0913 - a seal's fields
    *,
    edition: int,
    identifier: str,
    name: str,
    look: Look,
    holders: Sequence[bytes],
    maker: Signer,
    since: datetime,
    until: datetime,
    by_digest: bool = False,
) -> bytes:
    """Return a seal in DER, signed by its maker.

    ``holders`` are the certificates, in DER, of who may use it; editions 4 and 5 can list their SM3 digests.
    """
    first = edition == _FIRST
    time = der.utc_time if first else der.generalized_time
    if by_digest and not first:
        listed = [der.integer(2), der.encode(der.SEQUENCE, *(_digest(holder) for holder in holders))]
    else:
        certificates = [der.encode(der.OCTET_STRING, holder) for holder in holders]
        listed = [*([] if first else [der.integer(1)]), der.encode(der.SEQUENCE, *certificates)]
    info = der.encode(
        der.SEQUENCE,
        der.encode(der.SEQUENCE, _ia5("ES"), der.integer(edition), _ia5(_VENDOR)),
        _ia5(identifier),
        der.encode(
            der.SEQUENCE,
            der.integer(_BODY),
            der.encode(der.UTF8, name.encode()),
            *listed,
            time(since),
            time(since),
            time(until),
        ),
        der.encode(
            der.SEQUENCE,
            _ia5(look.kind),
            der.encode(der.OCTET_STRING, look.data),
            der.integer(look.width),
            der.integer(look.height),
        ),
    )
    brought = [der.encode(der.OCTET_STRING, maker.certificate), der.oid(maker.algorithm)]
    if first:
        signature = der.bits(maker.sign(der.encode(der.SEQUENCE, info, *brought)))
        return der.encode(der.SEQUENCE, info, der.encode(der.SEQUENCE, *brought, signature))
    return der.encode(der.SEQUENCE, info, *brought, der.bits(maker.sign(info)))


def seal_document(  # noqa: PLR0913 - what a sealed document says
    parts: Parts,
    *,
    edition: int,
    seal: bytes,
    signer: Signer,
    time: datetime,
    places: Sequence[Place],
    leave_out: Collection[str] = (),
    check_method: str = "1.2.156.10197.1.401",
    namespace: str = package.NAMESPACE,
) -> Parts:
    """Return the parts of the document with one signature more, over all parts but those in ``leave_out``."""
    number, folder, listed = _next(parts, namespace)
    made = {**parts, f"{folder}/Seal.esl": seal}
    stamps = "".join(
        f'<ofd:StampAnnot ID="{number}{place}" PageRef={quoteattr(at.page)} '
        f'Boundary="{at.box[0]:g} {at.box[1]:g} {at.box[2]:g} {at.box[3]:g}"/>'
        for place, at in enumerate(places)
    )
    about = f"<ofd:Seal><ofd:BaseLoc>/{folder}/Seal.esl</ofd:BaseLoc></ofd:Seal>{stamps}"
    name = f"{folder}/Signature.xml"
    description = _describe(made, folder, signer.algorithm, time, about, leave_out, check_method, namespace)
    made[name] = description
    made[f"{folder}/SignedValue.dat"] = _sealed(edition, seal, signer, time, description, name)
    made[package.SIGNATURE_LIST] = listed
    return made


def sign_document(
    parts: Parts,
    *,
    signer: Signer,
    time: datetime,
    leave_out: Collection[str] = (),
    namespace: str = package.NAMESPACE,
) -> Parts:
    """Return the parts with one digital signature more, without a seal: signed data of GB/T 35275."""
    _number, folder, listed = _next(parts, namespace)
    made = dict(parts)
    description = _describe(made, folder, signer.algorithm, time, "", leave_out, "SM3", namespace)
    made[f"{folder}/Signature.xml"] = description
    made[f"{folder}/SignedValue.dat"] = signed_data(signer, algorithms.digest("sm3", description))
    made[package.SIGNATURE_LIST] = listed
    return made


def signed_data(signer: Signer, content: bytes, *, digest: str = "1.2.156.10197.1.401") -> bytes:
    """Return signed data (GB/T 35275 section 8) over ``content``, with the signer's certificate.

    ``digest`` is the object identifier of the digest that it names.
    """
    read = certificate.read(signer.certificate)
    kinds = "1.2.156.10197.6.1.4.2"
    digests = der.encode(der.SEQUENCE, der.oid(digest))
    name = der.encode(der.SEQUENCE, read.issuer, der.encode(der.INTEGER, read.serial))
    info = der.encode(
        der.SEQUENCE,
        der.integer(1),
        name,
        digests,
        der.encode(der.SEQUENCE, der.oid(signer.algorithm)),
        der.encode(der.OCTET_STRING, signer.sign(content)),
    )
    data = der.encode(0xA0, der.encode(der.OCTET_STRING, content))
    signed = der.encode(
        der.SEQUENCE,
        der.integer(1),
        der.encode(der.SET, digests),
        der.encode(der.SEQUENCE, der.oid(f"{kinds}.1"), data),
        der.encode(0xA0, signer.certificate),
        der.encode(der.SET, info),
    )
    return der.encode(der.SEQUENCE, der.oid(f"{kinds}.2"), der.encode(0xA0, signed))


def _sealed(  # noqa: PLR0913, PLR0917 - what is sealed
    edition: int, seal: bytes, signer: Signer, time: datetime, description: bytes, name: str
) -> bytes:
    """Return the signed value of a sealed document."""
    first = edition == _FIRST
    brought = [der.encode(der.OCTET_STRING, signer.certificate), der.oid(signer.algorithm)]
    tbs = der.encode(
        der.SEQUENCE,
        der.integer(edition),
        seal,
        der.bits(der.utc_time(time)) if first else der.generalized_time(time),
        der.bits(algorithms.digest("sm3", description)),
        _ia5(f"/{name}"),
        *(brought if first else ()),
    )
    signature = der.bits(signer.sign(tbs))
    return der.encode(der.SEQUENCE, tbs, *(() if first else brought), signature)


def _next(parts: Parts, namespace: str) -> tuple[int, str, bytes]:
    """Return the next signature's number and folder, and the list of signatures that names it as well."""
    known = ""
    number = 1
    if package.SIGNATURE_LIST in parts:
        root = markup.parse(parts[package.SIGNATURE_LIST], root="Signatures", part=package.SIGNATURE_LIST)
        entries = root.all("Signature")
        number = len(entries) + 1
        known = "".join(_entry(entry.get("ID"), entry.get("BaseLoc")) for entry in entries)
    folder = f"{package.DOCUMENT}/Signs/Sign_{number - 1}"
    content = (
        f"<ofd:MaxSignId>{number}</ofd:MaxSignId>{known}{_entry(str(number), f'/{folder}/Signature.xml')}"
    )
    return number, folder, package.element("Signatures", content, namespace)


def _entry(identifier: str, place: str) -> str:
    return f"<ofd:Signature ID={quoteattr(identifier)} BaseLoc={quoteattr(place)}/>"


def _describe(  # noqa: PLR0913, PLR0917 - what a description says
    parts: Parts,
    folder: str,
    method: str,
    time: datetime,
    about: str,
    leave_out: Collection[str],
    check_method: str,
    namespace: str,
) -> bytes:
    """Return a ``Signature.xml`` over all but the list of signatures: who signs next adds to that."""
    digest = algorithms.digest_name(check_method) or "sm3"
    references = "".join(
        f"<ofd:Reference FileRef={quoteattr(f'/{name}')}><ofd:CheckValue>"
        f"{base64.b64encode(algorithms.digest(digest, data)).decode()}</ofd:CheckValue></ofd:Reference>"
        for name, data in parts.items()
        if name not in leave_out and name != package.SIGNATURE_LIST
    )
    moment = der.one(der.generalized_time(time)).content.decode()
    return package.element(
        "Signature",
        '<ofd:SignedInfo><ofd:Provider ProviderName="kouan" Version="1" Company="kouan"/>'
        f"<ofd:SignatureMethod>{method}</ofd:SignatureMethod><ofd:SignatureDateTime>{moment}"
        f"</ofd:SignatureDateTime><ofd:References CheckMethod={quoteattr(check_method)}>{references}"
        f"</ofd:References>{about}</ofd:SignedInfo><ofd:SignedValue>/{folder}/SignedValue.dat</ofd:SignedValue>",
        namespace,
    )


def _digest(holder: bytes) -> bytes:
    value = der.encode(der.OCTET_STRING, algorithms.digest("sm3", holder))
    return der.encode(der.SEQUENCE, der.encode(der.PRINTABLE, b"SM3"), value)


def _ia5(text: str) -> bytes:
    return der.encode(der.IA5, text.encode("ascii"))
