"""What CAdES adds to CMS for archives: time-stamps of the archive, and what a signature is judged by later.

The time-stamps of version 3 are read (ETSI EN 319 122-1 section 5.5.3): each names what it covers in an index
of digests that it carries itself. Older forms are told of and prove nothing.
"""

from __future__ import annotations

import contextlib
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from asn1crypto import algos, cms, core, ocsp

from kouan.apps.signing.validating import keys
from kouan.apps.signing.validating.formats import base, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ARCHIVE: Final = "0.4.0.1733.2.4"
"""``archive-time-stamp-v3``."""
_INDEX: Final = "0.4.0.19122.1.5"
"""``ats-hash-index-v3``, an unsigned attribute of the time-stamp's own."""
_INDEX_1: Final = "0.4.0.1733.2.5"
"""``ats-hash-index`` (TS 101 733 section 6.4.2), which it replaced: that names attributes whole."""
_OLDER: Final = frozenset(
    {
        "1.2.840.113549.1.9.16.2.27",  # archive-time-stamp
        "1.2.840.113549.1.9.16.2.48",  # its version 2
        "0.4.0.1733.2.2",  # long-term-validation
        "1.2.840.113549.1.9.16.2.49",  # evidence records (RFC 4998)
        "1.2.840.113549.1.9.16.2.50",
    }
)
_CERTIFICATES: Final = "1.2.840.113549.1.9.16.2.23"
"""``certificate-values`` (section A.1.1.2)."""
_REVOCATION: Final = "1.2.840.113549.1.9.16.2.24"
"""``revocation-values`` (section A.1.2.2)."""
_LISTS: Final = 3
_STAMP: Final = "1.2.840.113549.1.9.16.2.14"
_BEFORE: Final = ("version", "sid", "digest_algorithm")
_AFTER: Final = ("signature_algorithm", "signature")


class _Digests(core.SequenceOf):  # type: ignore[misc] # the library has no types
    _child_spec = core.OctetString


class _Parts(core.SequenceOf):  # type: ignore[misc] # as above
    _child_spec = core.Any


class _RevocationValues(core.Sequence):  # type: ignore[misc] # as above
    _fields = [
        ("crls", _Parts, {"explicit": 0, "optional": True}),
        ("ocsps", _Parts, {"explicit": 1, "optional": True}),
        ("others", core.Any, {"explicit": 2, "optional": True}),
    ]


@dataclass(frozen=True, slots=True)
class Added:
    """What stands beside a signature and is not signed."""

    stamps: tuple[bytes, ...]
    """Time-stamps of the signature, DER."""
    archives: tuple[plain.Archive, ...]
    """The archive's, the oldest first."""
    unread: bool
    """Whether there are some of the archive that are not read here."""
    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    ocsps: tuple[bytes, ...]


def added(signed: cms.SignedData, signer: cms.SignerInfo, body: bytes) -> Added:
    """Return what was added to a signature over ``body``. What cannot be read of it is left out."""
    attributes = list(_unsigned(signer))
    unread = any(name in _OLDER for name, _ in attributes)
    known: list[tuple[Any, bytes]] = []
    for name, value in attributes:
        if name == _ARCHIVE:
            try:
                known.append((_made(value.dump()), value.dump()))
            except Exception:  # noqa: BLE001 - the library's errors on foreign bytes are many
                unread = True
    # The attributes are a set, in the order of their encoding: only the times tell which came first.
    known.sort(key=operator.itemgetter(0))
    archives: list[tuple[Any, int, plain.Archive]] = []
    for at, der in known[-plain.MAX_STAMPS :]:
        try:
            archive = _archive(signed, signer, body, der)
        except Exception:  # noqa: BLE001 - as above
            unread = True
        else:
            archives.append((at, len(archive.over or ()), archive))
    archives.sort(key=operator.itemgetter(0, 1))  # of two of one second, who covers more came later
    found = [signed, *_tokens(attributes)]
    return Added(
        stamps=tuple(value.dump() for name, value in attributes if name == _STAMP),
        archives=tuple(archive for _, _, archive in archives),
        unread=unread or len(known) > plain.MAX_STAMPS,
        certificates=(
            *(each for one in found for each in certificates(one)),
            *(each for name, value in attributes if name == _CERTIFICATES for each in _parts(value)),
        ),
        crls=(
            *(each for one in found for each in _of_kind(one, "crl")),
            *(each for name, value in attributes if name == _REVOCATION for each in _values(value, "crls")),
        ),
        ocsps=(
            *(each for one in found for each in _of_kind(one, "other")),
            *(
                _response(each)
                for name, value in attributes
                if name == _REVOCATION
                for each in _values(value, "ocsps")
            ),
        ),
    )


def _attributes(signer: cms.SignerInfo) -> list[cms.CMSAttribute]:
    held = signer["unsigned_attrs"]
    return [] if isinstance(held, core.Void) else list(held)


def _unsigned(signer: cms.SignerInfo) -> Iterator[tuple[str, Any]]:
    """Yield each value of each unsigned attribute, with the attribute's object identifier."""
    for attribute in _attributes(signer):
        for value in attribute["values"]:
            yield attribute["type"].dotted, value


def _made(der: bytes) -> Any:
    """Return when a time-stamp says that it was made."""
    return plain.token_of(der)["encap_content_info"]["content"].parsed["gen_time"].native


def _archive(signed: cms.SignedData, signer: cms.SignerInfo, body: bytes, der: bytes) -> plain.Archive:
    """Return an archive's time-stamp with what it must be over."""
    token = plain.token_of(der)
    info = token["encap_content_info"]["content"].parsed
    name = _digest_name(info["message_imprint"]["hash_algorithm"])
    (own,) = token["signer_infos"]
    ((kind, index),) = [each for each in _unsigned(own) if each[0] in {_INDEX, _INDEX_1}]
    encoded = index.dump()
    fits, tokens = _covered(signed, signer, encoded, whole=kind == _INDEX_1)
    octets = b"".join(
        (
            signed["encap_content_info"]["content_type"].dump(),
            keys.digest(name, body),
            *(signer[each].dump() for each in _BEFORE),
            b"" if isinstance(signer["signed_attrs"], core.Void) else signer["signed_attrs"].dump(),
            *(signer[each].dump() for each in _AFTER),
            encoded,
        )
    )
    return plain.Archive(der, (plain.over(lambda: octets),) if fits else (), over=tokens)


def _digest_name(algorithm: Any) -> str:
    """Return a digest's name; raises ``ValueError`` for one that nothing here relies on."""
    name = str(algorithm["algorithm"].native)
    if name not in keys.DIGESTS:
        raise ValueError(name)
    return name


def _covered(
    signed: cms.SignedData, signer: cms.SignerInfo, index: bytes, *, whole: bool
) -> tuple[bool, frozenset[bytes]]:
    """Say whether all that an index names is here, and return the attributes' values that it names.

    ``whole`` is for the index that names attributes and not their values.
    """
    name, certificates, crls, attributes = _listed(index)
    values: dict[bytes, list[bytes]] = {}
    for attribute in _attributes(signer):
        parts = [each.dump() for each in attribute["values"]]
        if whole:
            values[keys.digest(name, attribute.dump())] = parts
        else:
            values |= {keys.digest(name, attribute["type"].dump() + each): [each] for each in parts}
    fits = (
        certificates <= {keys.digest(name, each.dump()) for each in _choices(signed, "certificates")}
        and crls <= {keys.digest(name, each.dump()) for each in _choices(signed, "crls")}
        and attributes <= set(values)
    )
    covered = (each for digest, parts in values.items() if digest in attributes for each in parts)
    return fits, frozenset(plain.token_digest(each) for each in covered)


def _listed(index: bytes) -> tuple[str, set[bytes], set[bytes], set[bytes]]:
    """Return the digest's name and the three lists of an index; raises ``ValueError``."""
    parts = [each.dump() for each in _Parts.load(index, strict=True)]
    # In the older one the algorithm may be left out. All four begin alike: the number tells.
    name = _digest_name(algos.DigestAlgorithm.load(parts.pop(0))) if len(parts) > _LISTS else "sha256"
    certificates, crls, attributes = (set(_Digests.load(each, strict=True).native) for each in parts)
    return name, certificates, crls, attributes


def _choices(signed: cms.SignedData, field: str) -> list[Any]:
    held = signed[field]
    return [] if isinstance(held, core.Void) else list(held)


def _tokens(attributes: Sequence[tuple[str, Any]]) -> Iterator[cms.SignedData]:
    """Yield the time-stamps that can be read: certificates and lists may stand in them, too."""
    for name, value in attributes:
        if name in {_STAMP, _ARCHIVE}:
            with contextlib.suppress(Exception):  # as above
                yield plain.token_of(value.dump())


def certificates(signed: cms.SignedData) -> Iterator[bytes]:
    """Yield the certificates that signed data brings along, as many as one signature may."""
    for each in _choices(signed, "certificates")[: base.MOST_CARRIED]:
        if each.name == "certificate":
            yield each.chosen.dump()


def _of_kind(signed: cms.SignedData, kind: str) -> Iterator[bytes]:
    """Yield the revocation lists of signed data, or as ``other`` its OCSP responses (RFC 5940)."""
    for each in _choices(signed, "crls")[: base.MOST_CARRIED]:
        with contextlib.suppress(Exception):  # as above
            if each.name == kind == "crl":
                yield each.chosen.dump()
            elif each.name == kind and each.chosen["other_rev_info_format"].native == "ocsp_response":
                yield each.chosen["other_rev_info"].dump()


def _response(basic: bytes) -> bytes:
    """Return a basic OCSP response, which is all that ``revocation-values`` holds, as a whole one."""
    held = {"response_type": "basic_ocsp_response", "response": core.ParsableOctetString(basic)}
    whole = ocsp.OCSPResponse({"response_status": "successful", "response_bytes": held})
    return bytes(whole.dump())


def _parts(value: Any) -> list[bytes]:
    with contextlib.suppress(Exception):  # as above
        return [each.dump() for each in _Parts.load(value.dump())][: base.MOST_CARRIED]
    return []


def _values(value: Any, kind: str) -> list[bytes]:
    with contextlib.suppress(Exception):  # as above
        found = _RevocationValues.load(value.dump())[kind]
        return [] if isinstance(found, core.Void) else [each.dump() for each in found][: base.MOST_CARRIED]
    return []
