"""One signature of an OFD document, checked: each thing by itself, so that a report can say which failed.

Whether the signer's and the seal maker's certificates lead to a recognised authority, were revoked, and what
a time-stamp is worth is for who calls: their bytes are in the result.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from kouan.apps.signing.ofd import algorithms, checks, cms, der, limits, seals
from kouan.apps.signing.ofd.codes import CheckName, Code
from kouan.apps.signing.ofd.errors import UnreadableOfd
from kouan.apps.signing.ofd.result import Check, Finding, OfdSignature

if TYPE_CHECKING:
    from kouan.apps.signing.ofd.container import Container
    from kouan.apps.signing.ofd.coverage import Coverage
    from kouan.apps.signing.ofd.listed import Description, Entry
    from kouan.apps.signing.ofd.tree import Body

_READ: Final = Check(CheckName.FORMAT)


def unreadable(body: Body, entry: Entry) -> OfdSignature:
    """Return what stands for a signature whose description cannot be read."""
    finding = Finding(Code.SIGNATURE_UNREADABLE, (entry.name,))
    return OfdSignature(
        entry.identifier, entry.name, body.root, checks=(Check(CheckName.FORMAT, (finding,)),)
    )


def check(
    container: Container, body: Body, entry: Entry, description: Description, coverage: Coverage
) -> OfdSignature:
    """Return a signature with everything that could be checked of it. Raises nothing."""
    try:
        parts = checks.parts(container, body, description, coverage)
    except UnreadableOfd as error:
        parts = Check(CheckName.PARTS, (Finding(Code.PART_CHANGED, (error.part,)),))
    covers = checks.covers(body, description, coverage)
    base = OfdSignature(
        entry.identifier,
        entry.name,
        body.root,
        provider=description.provider,
        algorithm=description.method,
        digest=algorithms.digest_name(description.check_method or algorithms.DEFAULT_DIGEST) or "",
        time=description.time,
        stamps=description.stamps,
        coverage=coverage,
    )

    def broken(code: Code) -> OfdSignature:
        format_ = Check(CheckName.FORMAT, (Finding(code, (description.signed_value,)),))
        return replace(base, checks=(format_, parts, covers))

    if not description.signed_value_there:
        return broken(Code.VALUE_MISSING)
    try:
        value = container.read(description.signed_value, limit=limits.MAX_SIGNED_VALUE)
        if cms.looks_like(value):
            signed = cms.read(value)
            made = checks.signed(description, signed)
            return replace(_signed(base, signed), checks=(_READ, parts, *made, covers))
        if checks.bare(value):
            return replace(broken(Code.CERTIFICATE_MISSING), kind="signature", value=value)
        sealing = seals.read_sealing(value)
        made = checks.sealed(container, description, sealing)
    except (UnreadableOfd, der.NotDer):
        return broken(Code.VALUE_UNREADABLE)
    return replace(_sealed(base, sealing), checks=(_READ, parts, *made, covers))


def _signed(base: OfdSignature, signed: cms.Signed) -> OfdSignature:
    return replace(
        base,
        kind="signature",
        algorithm=signed.algorithm,
        digest=signed.digest,
        time=signed.time or base.time,
        certificate=signed.signer,
        certificates=signed.certificates,
        value=signed.signature,
        time_stamp=signed.time_stamp,
        time_stamped=signed.signature if signed.time_stamp else None,
    )


def _sealed(base: OfdSignature, sealing: seals.Sealing) -> OfdSignature:
    # A time-stamp in the place of edition 1's time is about the data, of which dataHash is the digest.
    about = None
    if sealing.time_stamp is not None and sealing.edition != seals.FIRST:
        about = sealing.signature
    return replace(
        base,
        kind="seal",
        algorithm=sealing.algorithm,
        time=sealing.time or base.time,
        certificate=sealing.signer,
        seal=sealing.seal,
        value=sealing.signature,
        time_stamp=sealing.time_stamp,
        time_stamped=about,
    )
