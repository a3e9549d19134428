"""A department's own system: says that a vessel is coming, and takes such notices over.

KOUAN_URL=http://127.0.0.1:8100 KOUAN_TOKEN=… python examples/attached_system.py send gd 9321483 "Pearl Star"
KOUAN_URL=http://127.0.0.1:8200 KOUAN_TOKEN=… python examples/attached_system.py receive
"""

import os
import sys
from datetime import UTC, datetime, timedelta

from kouan.client import Client, NodeError


def main() -> int:
    """Do what the command line says."""
    with Client(os.environ["KOUAN_URL"], os.environ["KOUAN_TOKEN"]) as node:
        if sys.argv[1] == "send":
            to, imo, name = sys.argv[2:]
            expected = (datetime.now(UTC) + timedelta(hours=6)).isoformat(timespec="seconds")
            notice = {"imo": imo, "name": name, "port": "CNSHK", "expected_at": expected}
            try:
                sent = node.send("vessel.arrival-notice", to=to, payload=notice, key=f"{imo}-{expected}")
            except NodeError as refused:  # the payload does not fit, say, or the type is not allowed
                print(f"refused: {refused} ({refused.code})")
                return 1
            print(f"{sent.id} is {node.wait(sent.id)['state']}")
            return 0
        for message in node.receive(until=5):
            print(f"from {message.sender}: {message.payload['name']}, {message.payload['expected_at']}")
            message.ack()  # after storing it: until then it comes again
        return 0


if __name__ == "__main__":
    sys.exit(main())
