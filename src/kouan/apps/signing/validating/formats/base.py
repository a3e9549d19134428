"""What a format is to the pipeline: how its files begin, and what signatures are in one."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, Protocol, TypeVar

from kouan.apps.signing.validating import naming, report
from kouan.apps.signing.validating.report import Reason, Signature, SubIndication, indication

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kouan.apps.signing.validating.engine import Engine, Judged

T = TypeVar("T")
SNIFFED: Final = 4096
"""Bytes of a file's beginning that say what it is."""
MAX_WHOLE: Final = 64 << 20
"""Bytes of a file that a format holds in memory whole; PDF is read where it lies."""

MOST_CARRIED: Final = 200
"""Certificates and the like that one signature may carry along."""


class Unreadable(Exception):
    """A file whose signatures cannot be read; ``code`` is the reason in the report.

    One that is merely more than what is read here is ``GENERIC``: it says nothing of the signatures.
    """

    def __init__(
        self, code: str, sub: SubIndication = SubIndication.FORMAT_FAILURE, *, detail: str = ""
    ) -> None:
        super().__init__(code)
        self.code = code
        self.sub = sub
        self.detail = detail[:300]


@dataclass(frozen=True, slots=True)
class Found:
    """The signatures of one file."""

    signatures: tuple[Signature, ...]
    pages: int = 0
    notes: tuple[Reason, ...] = ()
    """What is worth knowing of the file even where there is no signature in it."""


class Beside:
    """The document that a detached signature is about, given beside it."""

    def __init__(self, data: bytes) -> None:
        self.digest = hashlib.sha256(data).hexdigest()
        self._data = data
        self._place = 0
        self.places: set[int] = set()
        """Where those of the report's signatures stand that are about it."""

    def turn(self, place: int) -> Beside:
        """Say whose turn it is: of the signature that will stand at this place in the report."""
        self._place = place
        return self

    def take(self) -> bytes:
        """Return its bytes: the signature whose turn it is is about them."""
        self.places.add(self._place)
        return self._data


class Format(Protocol):
    """One format of signed documents."""

    name: report.Format

    def sniff(self, head: bytes, file: IO[bytes]) -> bool:
        """Whether a file that begins with ``head`` (up to ``SNIFFED`` bytes) is of this format."""

    async def signatures(
        self, file: IO[bytes], size: int, judge: Engine, beside: Beside | None = None
    ) -> Found:
        """Return what is signed in a file, judged; raises ``Unreadable`` for a file that cannot be read.

        ``beside`` is what a detached signature is about.
        """


def all_of(signatures: Iterable[T]) -> list[T]:
    """Return the signatures of a file; raises ``Unreadable`` for more than are judged: each could matter."""
    found = list(itertools.islice(signatures, report.MOST_SIGNATURES + 1))
    if len(found) > report.MOST_SIGNATURES:
        raise Unreadable("too-complex", SubIndication.GENERIC)
    return found


def whole(file: IO[bytes], size: int) -> bytes:
    """Return a file's bytes; raises ``Unreadable`` for one that is too large to be held."""
    if size > MAX_WHOLE:
        raise Unreadable("too-large", SubIndication.GENERIC)
    file.seek(0)
    return file.read(MAX_WHOLE + 1)


def signature(  # noqa: PLR0913 - what a signature's report is made of
    *,
    id_: str,
    judged: Judged,
    intact: bool,
    kind: str = "signature",
    level: report.Level = "B-B",
    extra: Iterable[Reason] = (),
    **more: object,
) -> Signature:
    """Return a signature's part of the report from how it was judged."""
    reasons = list(extra)
    if judged.sub is not None:
        reasons.insert(0, Reason(code=judged.sub.value.lower().replace("_", "-"), detail=judged.detail[:300]))
    return Signature.model_validate(
        {
            "id": id_[:200], "kind": kind, "verdict": indication(judged.sub), "sub_indication": judged.sub,
            "intact": intact, "level": level,
            "best_time": judged.best_time, "time_source": judged.time_source,
            "chain": [naming.described(each).model_dump() for each in judged.chain],
            "time_stamps": [each.model_dump() for each in judged.time_stamps],
            "reasons": [each.model_dump() for each in reasons], **more,
        }
    )  # fmt: skip


def broken(id_: str, sub: SubIndication, code: str) -> Signature:
    """Return the report on a signature that cannot be read."""
    return Signature(
        id=id_[:200], verdict=indication(sub), sub_indication=sub, intact=False, reasons=(Reason(code=code),)
    )


def malformed(id_: str, error: Exception) -> Signature:
    """Return the report on a signature on which a parser failed: the error's kind, never its text."""
    sub = SubIndication.FORMAT_FAILURE
    reason = Reason(code="malformed-signature", detail=type(error).__name__)
    return Signature(
        id=id_[:200], verdict=indication(sub), sub_indication=sub, intact=False, reasons=(reason,)
    )
