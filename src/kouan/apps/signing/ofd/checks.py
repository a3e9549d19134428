"""The single checks of a signature of an OFD document, each on its own."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from kouan.apps.signing.ofd import algorithms, cms, der
from kouan.apps.signing.ofd.codes import CheckName, Code
from kouan.apps.signing.ofd.result import Check, Finding

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from kouan.apps.signing.ofd.certificate import Certificate
    from kouan.apps.signing.ofd.container import Container
    from kouan.apps.signing.ofd.coverage import Coverage
    from kouan.apps.signing.ofd.listed import Description
    from kouan.apps.signing.ofd.seals import Seal, Sealing
    from kouan.apps.signing.ofd.tree import Body

_APART: Final = timedelta(hours=9)
"""Some producers write Beijing time as if it were UTC (eight hours), and clocks differ."""
_DATA_HASHES: Final = ("sm3", "sha256")
"""What ``dataHash`` may be: nothing in it says which, and both are sound."""
_SEAL_DIGESTS: Final = ("sm3", "sha256")


def parts(container: Container, body: Body, description: Description, coverage: Coverage) -> Check:
    """Check that each part that the signature refers to is here and as it was (GB/T 33190 section 18.2.3)."""
    method = description.check_method or algorithms.DEFAULT_DIGEST
    digest = algorithms.digest_name(method)
    if digest is None:
        return Check(CheckName.PARTS, (Finding(Code.DIGEST_UNKNOWN, (method,)),))
    if digest in algorithms.WEAK_DIGESTS:
        return Check(CheckName.PARTS, (Finding(Code.DIGEST_WEAK, (digest,)),))
    if not description.references:
        return Check(CheckName.PARTS, (Finding(Code.NO_REFERENCES),))
    return Check(CheckName.PARTS, tuple(_compared(container, body, description, coverage, digest)))


def _compared(
    container: Container, body: Body, description: Description, coverage: Coverage, digest: str
) -> list[Finding]:
    values: dict[str, bytes] = {}
    by_code: dict[Code, list[str]] = {Code.PART_MISSING: [], Code.PART_CHANGED: [], Code.REFERENCE_TWICE: []}
    for reference in description.references:
        if values.setdefault(reference.name, reference.value) != reference.value:
            by_code[Code.REFERENCE_TWICE].append(reference.name)
        if not reference.there:
            by_code[Code.PART_MISSING].append(reference.name)
        elif container.digest(reference.name, digest) != reference.value:
            by_code[Code.PART_CHANGED].append(reference.name)
    found = []
    listed = body.signature_list
    if coverage.later and listed is not None and listed in by_code[Code.PART_CHANGED]:
        # Whoever signs next adds a line to the list. That the list was signed too means that nobody was to.
        by_code[Code.PART_CHANGED].remove(listed)
        found.append(Finding(Code.LIST_CHANGED, (listed,)))
    return found + [Finding(code, tuple(dict.fromkeys(names))) for code, names in by_code.items() if names]


def covers(body: Body, description: Description, coverage: Coverage) -> Check:
    """Check that all that a reader shows is covered."""
    found = [Finding(code, names) for code, names in coverage.findings().items()]
    if body.versions:
        found.append(Finding(Code.VERSIONS))
    known = {page.identifier for page in body.pages}
    if stray := tuple(stamp.page for stamp in description.stamps if stamp.page not in known):
        found.append(Finding(Code.STAMP_PAGE_UNKNOWN, stray))
    return Check(CheckName.COVERAGE, tuple(found))


def sealed(container: Container, description: Description, sealing: Sealing) -> list[Check]:
    """Check what GB/T 38540 section 7.3 asks of a sealed document."""
    seal = sealing.seal
    time = sealing.time or description.time
    hashes = [algorithms.digest(name, description.raw) for name in _DATA_HASHES]
    about = any(hmac.compare_digest(value, sealing.data_hash) for value in hashes)
    return [
        Check(
            CheckName.DESCRIPTION, () if about else (Finding(Code.DESCRIPTION_CHANGED, (description.name,)),)
        ),
        _value(
            CheckName.VALUE,
            lambda: algorithms.verify(
                sealing.algorithm, sealing.signer.spki, sealing.signature, sealing.to_be_signed
            ),
            invalid=Code.VALUE_INVALID,
            algorithm=sealing.algorithm,
            stated=description.method,
        ),
        _seal(container, description, seal),
        _seal_signer(seal, sealing.signer),
        _seal_validity(seal, time),
        _certificate(sealing.signer, time),
        _time(time, description.time, sealing.time),
    ]


def signed(description: Description, found: cms.Signed) -> list[Check]:
    """Check a digital signature without a seal (GB/T 35275)."""
    checks = [_about(description, found)]
    time = found.time or description.time
    signer = found.signer
    if signer is None:
        checks.append(Check(CheckName.VALUE, (Finding(Code.CERTIFICATE_MISSING),)))
    else:
        checks += [
            _value(
                CheckName.VALUE,
                lambda: cms.verify(found, description.raw, signer.spki),
                invalid=Code.VALUE_INVALID,
                algorithm=found.algorithm,
                stated=description.method,
            ),
            _certificate(signer, time),
        ]
    checks.append(_time(time, description.time, found.time))
    return checks


def _about(description: Description, found: cms.Signed) -> Check:
    try:
        about = cms.about(found, description.raw)
    except algorithms.WeakAlgorithm:
        return Check(CheckName.DESCRIPTION, (Finding(Code.SIGNED_DIGEST_WEAK, (found.digest,)),))
    except algorithms.UnknownAlgorithm:
        return Check(CheckName.DESCRIPTION, (Finding(Code.SIGNED_DIGEST_UNKNOWN, (found.digest,)),))
    return Check(
        CheckName.DESCRIPTION, () if about else (Finding(Code.DESCRIPTION_CHANGED, (description.name,)),)
    )


def bare(value: bytes) -> bool:
    """Say whether a signed value is a signature by itself, r and s, that brings no certificate."""
    try:
        pair = der.one(value).sequence(2, 2)
        return all(half.tag == der.INTEGER for half in pair)
    except der.NotDer:
        return False


def _value(
    name: CheckName, verify: Callable[[], bool], *, invalid: Code, algorithm: str, stated: str = ""
) -> Check:
    try:
        found = [] if verify() else [Finding(invalid)]
    except algorithms.WeakAlgorithm:
        found = [Finding(Code.ALGORITHM_WEAK, (algorithms.NAMES.get(algorithm, algorithm),))]
    except algorithms.UnknownAlgorithm:
        code = Code.SEAL_UNVERIFIED if invalid is Code.SEAL_FORGED else Code.ALGORITHM_UNKNOWN
        found = [Finding(code, (algorithm,))]
    if stated and stated != algorithm and algorithms.NAMES.get(stated) != algorithms.NAMES.get(algorithm):
        found.append(Finding(Code.ALGORITHMS_DIFFER, (stated, algorithm)))
    return Check(name, tuple(found))


def _seal(container: Container, description: Description, seal: Seal) -> Check:
    check = _value(
        CheckName.SEAL,
        lambda: algorithms.verify(seal.algorithm, seal.maker.spki, seal.signature, seal.to_be_signed),
        invalid=Code.SEAL_FORGED,
        algorithm=seal.algorithm,
    )
    found = list(check.findings)
    if description.seal is not None and not description.seal_there:
        found.append(Finding(Code.SEAL_FILE_MISSING, (description.seal,)))
    elif description.seal is not None and container.digest(description.seal, "sha256") != (
        algorithms.digest("sha256", seal.raw)
    ):
        found.append(Finding(Code.SEAL_SWAPPED, (description.seal,)))
    return Check(CheckName.SEAL, tuple(found))


def _seal_signer(seal: Seal, signer: Certificate) -> Check:
    """Check that the signer is one of those for whom the seal was made."""
    if signer.der in seal.certificates:
        return Check(CheckName.SEAL_SIGNER)
    known = False
    for name, value in seal.digests:
        algorithm = algorithms.digest_name(name)
        # The type is the producer's own word; where it is none of ours, the digest is tried under both.
        for candidate in (algorithm,) if algorithm else _SEAL_DIGESTS:
            if candidate in algorithms.WEAK_DIGESTS:
                continue
            known = True
            if hmac.compare_digest(algorithms.digest(candidate, signer.der), value):
                return Check(CheckName.SEAL_SIGNER)
    code = Code.SEAL_SIGNER_UNLISTED if known or not seal.digests else Code.SEAL_LIST_UNKNOWN
    return Check(CheckName.SEAL_SIGNER, (Finding(code),))


def _seal_validity(seal: Seal, time: datetime | None) -> Check:
    if time is not None and not seal.since <= time <= seal.until:
        span = (seal.since.date().isoformat(), seal.until.date().isoformat())
        return Check(CheckName.SEAL_VALIDITY, (Finding(Code.SEAL_NOT_VALID_THEN, span),))
    return Check(CheckName.SEAL_VALIDITY)


def _certificate(signer: Certificate, time: datetime | None) -> Check:
    found = []
    if time is not None and not signer.valid_at(time):
        span = (signer.not_before.date().isoformat(), signer.not_after.date().isoformat())
        found.append(Finding(Code.CERTIFICATE_NOT_VALID_THEN, span))
    if signer.signs is False:
        found.append(Finding(Code.CERTIFICATE_USE))
    return Check(CheckName.CERTIFICATE, tuple(found))


def _time(time: datetime | None, described: datetime | None, signed_time: datetime | None) -> Check:
    if time is None:
        return Check(CheckName.TIME, (Finding(Code.NO_TIME),))
    if described is not None and signed_time is not None and abs(described - signed_time) > _APART:
        names = (described.isoformat(timespec="seconds"), signed_time.isoformat(timespec="seconds"))
        return Check(CheckName.TIME, (Finding(Code.TIMES_DIFFER, names),))
    return Check(CheckName.TIME)
