"""Validating signatures: how many a second on one core, beside pyHanko as it comes.

Both judge the same files by the same roots and the same revocation lists, of 50,000 entries, in one process;
what is measured is processor time. pyHanko runs by itself (``tests/as_it_comes.py``). The verdicts of all of
NIST PKITS and of the PDFs of pyHanko's own tests are compared, too (fetched by ``tools/material.py``). A
verdict that differs, or a worker that grows with its file, ends this with status 1; speed is only told, as
reached or not.
"""

from __future__ import annotations

import importlib
import io
import logging
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

import others_material  # noqa: E402 - the tests' documents are found first
import signed_papers as papers  # noqa: E402 - as above
from _table import figures  # noqa: E402 - as above
from as_it_comes import OK, AsItComes  # noqa: E402 - as above
from kouan.apps.signing.validating import crls  # noqa: E402 - as above
from kouan.apps.signing.validating.algorithms import Checker  # noqa: E402 - as above
from kouan.apps.signing.validating.engine import Engine  # noqa: E402 - as above
from kouan.apps.signing.validating.pipeline import validated  # noqa: E402 - as above
from kouan.apps.signing.validating.pool import Pool  # noqa: E402 - as above
from kouan.apps.signing.validating.report import Verdict  # noqa: E402 - as above
from kouan.apps.signing.validating.trust import Trust  # noqa: E402 - as above

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ENTRIES = 50_000
FILES = 6
LARGE = 200 << 20
TIMES = 5
"""How many times as many a second as pyHanko, on files that share CAs."""
SM2_MS = 0.6
"""Milliseconds that an SM2 verification may take."""
MEMORY = 256
"""Megabytes that a worker may hold for the large file."""
NOW = papers.NOW

_missed: list[str] = []
_wrong: list[str] = []


def goal(what: str, *, reached: bool) -> None:
    """Say whether a figure is as good as it is meant to be."""
    print(f"    {'reached' if reached else 'NOT REACHED'}: {what}")
    if not reached:
        _missed.append(what)


def long_list(issuer: papers.Authority) -> bytes:
    """Return a revocation list of many entries, none of them ours."""
    return papers.crl(issuer, [(1_000_000 + number, NOW - timedelta(days=5)) for number in range(ENTRIES)])


def timed(judge: Callable[[bytes], list[str]], files: Sequence[bytes]) -> tuple[float, list[list[str]]]:
    """Return the seconds of processor time for a file, and what each signature came to."""
    began = time.process_time()
    verdicts = [judge(each) for each in files]
    return (time.process_time() - began) / len(files), verdicts


def here(engine: Engine) -> Callable[[bytes], list[str]]:
    """Return how this node judges a file."""

    def judge(data: bytes) -> list[str]:
        found = validated(io.BytesIO(data), engine).signatures
        return [OK if each.sub_indication is None else each.sub_indication.value for each in found]

    return judge


def compared(name: str, kind: str, files: Sequence[bytes], trust: Trust) -> dict[str, float]:
    """Measure both on the same files."""
    crls.uninstall()
    plain = AsItComes.of(trust)
    judged_there = plain.pdf if kind == "pdf" else plain.cms
    judged_there(files[0])  # a batch shares its CAs: of both the first has been seen
    theirs, expected = timed(judged_there, files)
    crls.install(crls.Indexes())
    judge = here(Engine(trust, Checker()))
    judge(files[0])
    ours, verdicts = timed(judge, files)
    crls.uninstall()
    if verdicts != expected or {one for each in verdicts for one in each} != {OK}:
        _wrong.append(f"{name}: here {verdicts}, pyHanko {expected}")
    print(
        f"{name:22} {1 / ours:8.1f} /s   {1000 * ours:8.1f} ms    pyHanko as it comes {1 / theirs:7.2f} /s "
        f"{1000 * theirs:8.1f} ms    {theirs / ours:5.1f} times"
    )
    goal(f"{name}: at least {TIMES} times", reached=theirs / ours >= TIMES)
    key = name.lower().replace(", ", "_").replace(" ", "_").replace("-", "")
    return {f"{key}_per_s": 1 / ours, f"{key}_pyhanko_per_s": 1 / theirs, f"{key}_times": theirs / ours}


def sealed(trust: Trust) -> dict[str, float]:
    """Measure sealed OFD documents, which pyHanko does not read."""
    crls.install(crls.Indexes())
    judge = here(Engine(trust, Checker()))
    files = [papers.sealed_ofd() for _ in range(FILES)]
    judge(files[0])
    ours, verdicts = timed(judge, files)
    crls.uninstall()
    if verdicts != [[OK]] * FILES:
        _wrong.append(f"OFD: {verdicts}")
    print(
        f"{'OFD with a seal, SM2':22} {1 / ours:8.1f} /s   {1000 * ours:8.1f} ms    pyHanko does not read it"
    )
    return {"ofd_seal_sm2_per_s": 1 / ours}


def sm2_speed() -> dict[str, float]:
    """Measure an SM2 verification."""
    key = papers.sm2_signer()[1]
    signature, public = key.sign(b"x" * 200), key.public_key()
    began, rounds = time.process_time(), 500
    for _ in range(rounds):
        public.verify(signature, b"x" * 200)
    taken = 1000 * (time.process_time() - began) / rounds
    print(f"SM2 verification       {taken:8.3f} ms")
    goal(f"SM2: at most {SM2_MS} ms", reached=taken <= SM2_MS)
    return {"sm2_verify_ms": taken}


def large_file() -> dict[str, float]:
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
    goal(f"a PDF of {LARGE >> 20} MB: at most {MEMORY} MB", reached=peak <= MEMORY)
    if found.verdict is not Verdict.TOTAL_PASSED or peak > MEMORY:
        _wrong.append(f"a PDF of {LARGE >> 20} MB: {found.verdict}, {peak} MB")
    return {"large_pdf_s": taken, "large_pdf_worker_mb": peak}


def material() -> dict[str, float]:
    """Compare every verdict over PKITS and the PDFs of others, which are fetched where they are not here."""
    if others_material.PKITS is None or not others_material.PDFS:
        fetch = [sys.executable, str(HERE.parent / "tools/material.py"), str(others_material.ROOT)]
        if subprocess.run(fetch, check=False).returncode == 0:
            importlib.reload(others_material)
    if others_material.PKITS is None or not others_material.PDFS:
        print("\nNOT COMPARED: PKITS and the PDFs of others are not here, and could not be fetched")
        _missed.append("PKITS and the PDFs of others could not be fetched to be compared")
        return {}
    cases = others_material.cases()
    crls.uninstall()
    there = [others_material.passes_there(each) for each in cases]
    crls.install(crls.Indexes())
    checker = Checker()
    passed = [others_material.passes_here(each, checker) for each in cases]
    crls.uninstall()
    different = [each["name"] for each, one, other in zip(cases, passed, there, strict=True) if one != other]
    against = [
        each["name"]
        for each, one in zip(cases, passed, strict=True)
        if one is not others_material.expected(each)
    ]
    print(
        f"\nNIST PKITS             {len(cases)} paths, {len(different)} verdicts other than pyHanko's, "
        f"{len(against)} other than NIST's"
    )
    _wrong.extend(f"PKITS: {each}" for each in sorted({*different, *against}))
    found = others_material.compared(Checker(), today=True)
    print(
        f"The PDFs of pyHanko    {found.files} files, {found.said.total()} verdicts on signatures, "
        f"{len(found.differences)} other than pyHanko's; {len(found.explained)} files of which another thing "
        f"is said to be missing; {found.typed} files over which it raises an error are typed failures here"
    )
    print("    " + ", ".join(f"{name} {count}" for name, count in found.said.most_common()))
    _wrong.extend(found.differences)
    goal(
        "identical verdicts over all of PKITS and the PDFs",
        reached=not (different or against or found.differences),
    )
    return {
        "pkits_paths": len(cases),
        "pdf_verdicts": found.said.total(),
        "verdicts_that_differ": len(_wrong),
    }


def main() -> int:
    """Measure and print; return the status to end with."""
    logging.disable(logging.CRITICAL)
    lists = (long_list(papers.root()), long_list(papers.authority()))
    trust = Trust(roots=(papers.root().der,), certificates=(papers.authority().der,), crls=lists, moment=NOW)
    print(f"{FILES} files each, revocation lists of {ENTRIES:,} entries, one core")
    plain = [papers.signed_pdf(data=papers.plain_pdf(f"B {n}")) for n in range(FILES)]
    found = compared("PDF B, P-256", "pdf", plain, trust)
    found |= compared(
        "CMS B, P-256", "cms", [papers.signed_cms(content=b"%d" % n) for n in range(FILES)], trust
    )
    then = NOW - timedelta(hours=12)
    archived = [
        papers.signed_pdf(data=papers.plain_pdf(f"LTA {n}"), stamped_at=then, crls=lists, lta=True)
        for n in range(FILES)
    ]
    found |= compared("PDF LTA, P-256", "pdf", archived, replace(trust, crls=()))
    many = [(1_000_000 + number, NOW - timedelta(days=5)) for number in range(ENTRIES)]
    roots = (papers.sm2_root().certificate.dump(),)
    known = (papers.sm2_authority().certificate.dump(),)
    found |= sealed(Trust(roots=roots, certificates=known, crls=papers.sm2_crls(many), moment=NOW))
    found |= sm2_speed() | large_file() | material()
    figures("signing", found)
    print(f"\nNOT REACHED: {'; '.join(_missed)}" if _missed else "\nEverything is reached.")
    for each in _wrong:
        print(f"FAILED: {each}")
    return 1 if _wrong else 0


if __name__ == "__main__":
    sys.exit(main())
