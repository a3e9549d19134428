"""Validating signatures: how many a second on one core, beside pyHanko as it comes.

Both judge the same files by the same roots and the same revocation lists, of 50,000 entries, in one process;
what is measured is processor time. The verdicts must be the same, or the figures are not shown.
"""

from __future__ import annotations

import io
import logging
import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

from pyhanko_certvalidator.sig_validate import DEFAULT_SIGNATURE_VALIDATOR  # noqa: E402 - the tests' documents are found first

import signed_papers as papers  # noqa: E402 - as above
from kouan.apps.signing.validating import crls  # noqa: E402 - as above
from kouan.apps.signing.validating.algorithms import Checker  # noqa: E402 - as above
from kouan.apps.signing.validating.engine import Engine  # noqa: E402 - as above
from kouan.apps.signing.validating.pipeline import validated  # noqa: E402 - as above
from kouan.apps.signing.validating.pool import Pool  # noqa: E402 - as above
from kouan.apps.signing.validating.report import Verdict  # noqa: E402 - as above
from kouan.apps.signing.validating.trust import Trust  # noqa: E402 - as above

if TYPE_CHECKING:
    from collections.abc import Sequence

ENTRIES = 50_000
FILES = 6
LARGE = 200 << 20
SM2_MS = 0.6
"""Milliseconds that an SM2 verification may take."""
MEMORY = 256
"""Megabytes that a worker may hold for the large file."""
NOW = papers.NOW


def long_list(issuer: papers.Authority) -> bytes:
    """Return a revocation list of many entries, none of them ours."""
    return papers.crl(issuer, [(1_000_000 + number, NOW - timedelta(days=5)) for number in range(ENTRIES)])


def timed(engine: Engine, files: Sequence[bytes]) -> tuple[float, list[Verdict | None]]:
    """Return the seconds of processor time for a file, and the verdicts."""
    began = time.process_time()
    verdicts = [validated(io.BytesIO(each), engine).verdict for each in files]
    return (time.process_time() - began) / len(files), verdicts


def compared(name: str, files: Sequence[bytes], trust: Trust) -> None:
    """Measure both on the same files."""
    crls.uninstall()
    theirs, expected = timed(Engine(trust, DEFAULT_SIGNATURE_VALIDATOR), files)  # type: ignore[arg-type]
    crls.install(crls.Indexes())
    engine = Engine(trust, Checker())
    timed(engine, files[:1])  # a batch shares its CAs: the first of it has been seen
    ours, verdicts = timed(engine, files)
    crls.uninstall()
    if verdicts != expected or set(verdicts) != {Verdict.TOTAL_PASSED}:
        raise SystemExit(f"{name}: the verdicts differ: {verdicts}, {expected}")
    print(
        f"{name:22} {1 / ours:8.1f} /s   {1000 * ours:8.1f} ms    pyHanko as it comes {1 / theirs:7.2f} /s "
        f"{1000 * theirs:8.1f} ms    {theirs / ours:5.1f} times"
    )


def sealed(trust: Trust) -> None:
    """Measure sealed OFD documents, which pyHanko does not read."""
    crls.install(crls.Indexes())
    engine = Engine(trust, Checker())
    files = [papers.sealed_ofd() for _ in range(FILES)]
    timed(engine, files[:1])
    ours, verdicts = timed(engine, files)
    crls.uninstall()
    if set(verdicts) != {Verdict.TOTAL_PASSED}:
        raise SystemExit(f"OFD: {verdicts}")
    print(
        f"{'OFD with a seal, SM2':22} {1 / ours:8.1f} /s   {1000 * ours:8.1f} ms    pyHanko does not read it"
    )


def sm2_speed() -> None:
    """Measure an SM2 verification."""
    key = papers.sm2_signer()[1]
    signature, public = key.sign(b"x" * 200), key.public_key()
    began, rounds = time.process_time(), 500
    for _ in range(rounds):
        public.verify(signature, b"x" * 200)
    taken = 1000 * (time.process_time() - began) / rounds
    print(f"SM2 verification       {taken:8.3f} ms          at most {SM2_MS} ms")


def large_file() -> None:
    """Measure what a worker takes for a large PDF."""
    from pyhanko.pdf_utils import generic  # noqa: PLC0415 - beside its one use
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter  # noqa: PLC0415 - as above

    writer = IncrementalPdfFileWriter(io.BytesIO(papers.plain_pdf()))
    writer.root["/Large"] = writer.add_object(generic.StreamObject(stream_data=bytes(LARGE)))
    writer.update_root()
    output = io.BytesIO()
    writer.write(output)
    lists = (papers.crl(papers.root()), papers.crl(papers.authority()))
    trust = Trust(roots=(papers.root().der,), crls=lists, moment=NOW)
    pool = Pool(1)
    with tempfile.TemporaryFile() as file:
        file.write(papers.signed_pdf(data=output.getvalue()))
        file.flush()
        began = time.perf_counter()
        found = pool.validate(file, trust)
        taken = time.perf_counter() - began
        (process,) = pool._running  # noqa: SLF001 - to look at it from outside
        status = Path(f"/proc/{process.pid}/status").read_text("ascii")
    peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) >> 10
    pool.close()
    print(f"A PDF of {LARGE >> 20} MB       {taken:8.2f} s     {found.verdict} worker's memory {peak} MB")
    if peak > MEMORY:
        raise SystemExit(f"A worker held {peak} MB of a file of {LARGE >> 20} MB")


def main() -> None:
    """Measure and print."""
    logging.disable(logging.CRITICAL)
    lists = (long_list(papers.root()), long_list(papers.authority()))
    trust = Trust(roots=(papers.root().der,), certificates=(papers.authority().der,), crls=lists, moment=NOW)
    print(f"{FILES} files each, revocation lists of {ENTRIES:,} entries, one core")
    plain = [papers.signed_pdf(data=papers.plain_pdf(f"B {n}")) for n in range(FILES)]
    compared("PDF B, P-256", plain, trust)
    compared("CMS B, P-256", [papers.signed_cms(content=b"%d" % n) for n in range(FILES)], trust)
    then = NOW - timedelta(hours=12)
    archived = [
        papers.signed_pdf(data=papers.plain_pdf(f"LTA {n}"), stamped_at=then, crls=lists, lta=True)
        for n in range(FILES)
    ]
    compared("PDF LTA, P-256", archived, replace(trust, crls=()))
    many = [(1_000_000 + number, NOW - timedelta(days=5)) for number in range(ENTRIES)]
    roots = (papers.sm2_root().certificate.dump(),)
    known = (papers.sm2_authority().certificate.dump(),)
    sealed(Trust(roots=roots, certificates=known, crls=papers.sm2_crls(many), moment=NOW))
    sm2_speed()
    large_file()


if __name__ == "__main__":
    main()
