"""Applications on two real nodes: how many a second are sent, become cases, and are acknowledged.

Residents of Hong Kong, each with a record of their identity, have begun an application for a reader's card of
Guangdong. From then on counted is all of it: the answers written and checked against the form, the evidence
issued for this one showing, the consent signed, the message sent over the door; at the other side all of that
checked, the case opened and numbered, and its acknowledgement back in the applicant's story. ``sent`` is the
rate at which the home node takes submissions, ``acknowledged`` the rate of the whole way. Both nodes, with
their workers, run on this machine (SQLite; PostgreSQL with KOUAN_BENCH_DATABASE).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from _server import databases
from _table import figures
from kouan.demo.nodes import establish, free_ports, node_environment
from kouan.node.supervisor import NODES_GRACE, Supervisor, node_of

APPLICATIONS = int(os.environ.get("KOUAN_BENCH_APPLICATIONS", "300"))
WRITERS = 2

_CODE = """
import json, sys, threading, time, uuid, django
django.setup()
from datetime import timedelta
from django.db import connection
from django.utils import timezone
from kouan.apps.evidence import records
from kouan.apps.identity import residents
from kouan.apps.identity.domain import Level
from kouan.apps.identity.home.adapter import HomeSignIn
from kouan.apps.services.applying import drafts, sending
from kouan.apps.services.catalogue import queries as catalogue
from kouan.apps.services.catalogue.errors import UnknownService
from kouan.apps.services.models import Application
from kouan.web.persons import identities

class Asking:
    def __init__(self, session):
        self.session = {"identity_home": str(session.key)}

count, writers = map(int, sys.argv[1:])
end = time.monotonic() + 120
while True:
    try:
        catalogue.published("gd", "reader-card")
        break
    except UnknownService:
        pass
    if time.monotonic() > end:
        raise SystemExit("the other side's catalogue did not arrive")
    time.sleep(0.2)

today = timezone.now().date()
begun = []
for number in range(count):
    document = f"K{number:08d}"
    session = residents.signed_in(provider="demonstration", said=HomeSignIn(
        subject=f"bench-{number}", level=Level.HIGH, amr=("pwd",), authenticated_at=timezone.now(),
        claims={"name": "CHAN Siu Ming", "document_type": "hk-passport", "document_number": document}))
    person = identities().person(Asking(session))
    held = records.put(by="bench", departments=None, entry=records.Entry(
        type="hk.identity", reference=f"bench-{number}", document_number=document, document="hk-passport",
        claims={"name": "CHAN Siu Ming", "birthdate": "1985-02-28", "sex": "male",
                "document_type": "Passport"},
        valid_from=today - timedelta(days=30)))
    row = drafts.begin(person=person, side="gd", service="reader-card", language="en", attributes={})
    begun.append((row.key, person, held))

answers = {"about": {"name": "CHAN Siu Ming"}, "city": "shenzhen", "interests": ["history"], "news": False,
           "contact": {"email": "chan@example.org"}}

def submit(each):
    key, person, held = each
    picked = {"offer": str(held.key), "version": str(held.version), "claims": ["name", "birthdate"]}
    seen = drafts.opened(drafts.mine(key, person)).seen
    draft = drafts.change(key=key, person=person, seen=seen, answers=answers, picks={"identity": picked})
    sending.submit(key=key, person=person, seen=draft.seen, agreed=True, email="")

def work(part):
    for each in part:
        submit(each)
    connection.close()

threads = [threading.Thread(target=work, args=(begun[at::writers],)) for at in range(writers)]
began = time.perf_counter()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sent = time.perf_counter() - began
keys = [key for key, _person, _held in begun]
end = time.monotonic() + 600
while (left := Application.objects.filter(key__in=keys, state="sent").count()):
    if time.monotonic() > end:
        raise SystemExit(f"{left} applications were not acknowledged")
    time.sleep(0.05)
taken = time.perf_counter() - began
states = set(Application.objects.filter(key__in=keys).values_list("state", flat=True))
assert states == {"received"}, states
print(json.dumps({"applications": count, "sent_per_s": count / sent, "acknowledged_per_s": count / taken}))
"""


def main() -> dict[str, float]:
    """Measure and return the figures."""
    url = os.environ.get("KOUAN_BENCH_DATABASE")
    with tempfile.TemporaryDirectory(prefix="kouan-bench-") as home, ExitStack() as stack:
        ports = free_ports(4)
        named = stack.enter_context(databases(url, ["hk", "gd"])) if url else None
        nodes = establish(
            Path(home), {"hk": (ports[0], ports[1]), "gd": (ports[2], ports[3])}, databases=named
        )
        supervisor = Supervisor([node_of(node.path) for node in nodes], grace=NODES_GRACE)
        supervisor.start()
        watching = threading.Thread(target=supervisor.watch, daemon=True)
        watching.start()
        try:
            done = subprocess.run(
                [sys.executable, "-c", _CODE, str(APPLICATIONS), str(WRITERS)],
                env=node_environment(nodes[0]),
                check=True,
                stdout=subprocess.PIPE,
                text=True,
                timeout=1800,
            )
        finally:
            supervisor.ask_to_stop()
            watching.join()
            supervisor.stop()
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    figures("submissions", main())
