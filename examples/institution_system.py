"""An institution's own system: registers documents by their fingerprints, and hands data over with consent.

KOUAN_URL=http://127.0.0.1:8100 KOUAN_TOKEN=… python examples/institution_system.py register documents.csv
KOUAN_URL=http://127.0.0.1:8100 KOUAN_TOKEN=… python examples/institution_system.py send CONSENT AA
KOUAN_URL=http://127.0.0.1:8200 KOUAN_TOKEN=… python examples/institution_system.py read
"""

import csv
import os
import sys
from pathlib import Path

from kouan.client import NodeError
from kouan.institution import DataFlow, Documents

PURPOSE = "dpv:CreditChecking"


def main() -> int:
    """Do what the command line says."""
    url, token = os.environ["KOUAN_URL"], os.environ["KOUAN_TOKEN"]
    if sys.argv[1] == "register":
        with Documents(url, token) as register, Path(sys.argv[2]).open(encoding="utf-8", newline="") as file:
            job = register.register(csv.DictReader(file))
            ended = register.wait(job)
            print(f"{ended['state']}: {ended['good']} registered, {ended['bad']} bad")
            for problem in register.problems(job):
                print(f"line {problem['line']}, {problem['column']}: {problem['detail']}")
        return 0 if ended["state"] == "done" else 1
    with DataFlow(url, token) as node:
        if sys.argv[1] == "send":
            consent, credit = sys.argv[2:]
            try:
                sent = node.send(consent=consent, purpose=PURPOSE, values={"person.credit": credit})
            except NodeError as refused:  # the consent was withdrawn, say; the clause is in the problem
                print(f"refused: {refused} ({refused.code})")
                return 1
            print(f"{sent['id']} is {sent['state']}")
            return 0
        for record in node.records():
            said = node.read(record["id"], reader="Lending department", purpose=record["purpose"])
            print(f"about {record['subject'][:8]}…: {said['person.credit']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
