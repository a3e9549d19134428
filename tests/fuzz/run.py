"""Fuzzes everything that parses a peer's bytes: ``make fuzz`` (FUZZ_SECONDS, FUZZ_INPUTS, ONLY).

Guided by coverage where atheris is installed, else by hypothesis. Begins with ``tests/fuzz/corpus``; what was
found on the way stays in ``.kouan/fuzz``, and what broke a target is printed with its file.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KEPT = ROOT / ".kouan" / "fuzz"
SECONDS = int(os.environ.get("FUZZ_SECONDS", "60"))
INPUTS = int(os.environ.get("FUZZ_INPUTS", "1000000"))
MOST_BYTES = 8192


def main() -> int:
    """Give each target its share of the time and of the inputs; return 1 after a finding."""
    sys.path[:0] = [str(HERE.parent)]
    prepare()
    from fuzz.targets import names  # noqa: PLC0415 - after Django's set-up

    chosen = names(os.environ.get("ONLY", "").split())
    guided = importlib.util.find_spec("atheris") is not None
    print(f"{len(chosen)} targets, {INPUTS} inputs, {SECONDS} s, by {'atheris' if guided else 'hypothesis'}")
    total = findings = 0
    for name in chosen:
        inputs, found = one(name, INPUTS // len(chosen) + 1, max(1, SECONDS // len(chosen)))
        total, findings = total + inputs, findings + found
    print(f"{total} inputs, {findings} findings")
    return 1 if findings else 0


def one(name: str, inputs: int, seconds: int) -> tuple[int, int]:
    """Fuzz one target in a process of its own; return how many inputs it had, and how many findings."""
    folder = KEPT / name
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, __file__, name, str(inputs), str(seconds)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd=folder,
    )
    said = done.stdout + done.stderr
    counts = [int(number) for number in re.findall(r"^(?:Done |#)(\d+)", said, flags=re.MULTILINE)]
    count = max(counts, default=0)
    seed = "".join(re.findall(r"INFO: Seed: (\d+)", said)) or "-"
    took = time.monotonic() - began
    print(
        f"{name:16} {count:9} inputs in {took:5.0f} s, seed {seed}{'' if not done.returncode else '  FOUND'}"
    )
    if done.returncode:
        print(said[-4000:])
    return count, 1 if done.returncode else 0


def prepare() -> None:
    """Set Django up as a node that nobody runs."""
    os.environ.setdefault("KOUAN_NODE", str(ROOT / "tools" / "node.toml"))
    os.environ.setdefault("KOUAN_SECRET_KEY", "only-for-tools-that-read-the-settings-not-secret")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kouan.settings")
    import django  # noqa: PLC0415 - after the environment

    django.setup()


def by_coverage(name: str, inputs: int, seconds: int) -> None:
    """Fuzz with atheris: it counts the branches of the project's own code."""
    import atheris  # noqa: PLC0415 - only where it is installed

    with atheris.instrument_imports(include=["kouan.core"]):
        import kouan.core.cbor  # noqa: PLC0415 - instrumented
        import kouan.core.exchange.verify  # noqa: F401, PLC0415 - as above
    prepare()
    from fuzz import targets  # noqa: PLC0415 - after Django's set-up

    for place, data in enumerate(targets.corpus(name)):
        (KEPT / name / f"corpus-{place:02}").write_bytes(data)
    options = [f"-runs={inputs}", f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}", "-timeout=20"]
    atheris.Setup([sys.argv[0], *options, str(KEPT / name)], lambda data: targets.run(name, data))
    atheris.Fuzz()


def by_chance(name: str, inputs: int, seconds: int) -> None:
    """Fuzz with hypothesis: changed pieces of the corpus, and any bytes."""
    from hypothesis import HealthCheck, given, settings  # noqa: PLC0415 - only without atheris

    prepare()
    from fuzz import targets  # noqa: PLC0415 - after Django's set-up
    from fuzz.changed import changed  # noqa: PLC0415 - as above

    until = time.monotonic() + seconds
    count = 0

    @settings(max_examples=inputs, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(data=changed(targets.corpus(name)))
    def feed(data: bytes) -> None:
        nonlocal count
        if time.monotonic() < until:
            count += 1
            targets.run(name, data)

    feed()
    print(f"Done {count}")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(main())
    sys.path[:0] = [str(HERE.parent)]
    fuzz = by_coverage if importlib.util.find_spec("atheris") else by_chance
    fuzz(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
