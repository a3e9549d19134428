"""A client for institutions' own systems: their documents, their customers' consents, and records.

It needs Python's standard library and ``kouan.client`` beside it, no settings and no Django.

    with DataFlow("https://kouan.example", token) as node:
        asked = node.ask(contract=…, customer="4711", document_number="…", elements=[…], purposes=[…])
        …  # the person answers at asked["url"]
        consent = node.request(asked["id"])["consent"]["id"]
        sent = node.send(consent=consent, purpose="dpv:CreditChecking", values={"person.credit": "…"})
"""

from __future__ import annotations

import csv
import io
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from kouan.client import Node

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Documents(Node):
    """The register of an institution: many fingerprints at once (a token of ``kouan institution token``)."""

    api = "/api/v1/bulk"

    def register(self, rows: Iterable[Mapping[str, str]], *, take_good: bool = False) -> uuid.UUID:
        """Send documents to register and return the job's id. Columns are those of docs/api.md.

        One bad row and nothing is registered, unless ``take_good``. Sending the same rows again is harmless.
        """
        return self._start("/registrations", rows, take_good=take_good)

    def revoke(self, rows: Iterable[Mapping[str, str]], *, take_good: bool = False) -> uuid.UUID:
        """Send references with a reason each to revoke; it cannot be undone. Return the job's id."""
        return self._start("/revocations", rows, take_good=take_good)

    def job(self, job: uuid.UUID) -> dict[str, Any]:
        """Return how far a job is: its ``state`` ends as ``done`` or ``refused``."""
        found: dict[str, Any] = self.call("GET", f"/{job}")
        return found

    def wait(self, job: uuid.UUID, seconds: float = 600.0) -> dict[str, Any]:
        """Return how a job ended, or how far it is after ``seconds``."""
        until = time.monotonic() + seconds
        while (found := self.job(job))["state"] not in {"done", "refused"} and time.monotonic() < until:
            time.sleep(0.2)
        return found

    def problems(self, job: uuid.UUID, *, first: int = 0, limit: int = 100) -> list[dict[str, Any]]:
        """Return what is wrong with rows: ``line``, ``column``, ``code`` and ``detail`` of each."""
        asked = urlencode({"first": first, "limit": limit})
        found: list[dict[str, Any]] = self.call("GET", f"/{job}/problems?{asked}")["problems"]
        return found

    def _start(self, path: str, rows: Iterable[Mapping[str, str]], *, take_good: bool) -> uuid.UUID:
        given = list(rows)
        text = io.StringIO()
        columns = dict.fromkeys(column for row in given for column in row)
        written = csv.DictWriter(text, list(columns), restval="")
        written.writeheader()
        written.writerows(given)
        path += "?take_good=true" if take_good else ""
        return uuid.UUID(self.call("POST", path, table=text.getvalue())["id"])


class DataFlow(Node):
    """An institution's consents and records under its contracts (a token of ``kouan dataflow token``)."""

    api = "/api/v1/dataflow"

    def ask(  # noqa: PLR0913 - all that a request says, by name
        self,
        *,
        contract: uuid.UUID,
        customer: str,
        document_number: str,
        document_type: str = "",
        elements: Sequence[str],
        purposes: Sequence[str],
    ) -> dict[str, Any]:
        """Ask a customer for their consent; the person answers at the answer's ``url``.

        ``document_type`` is the code of the document that has the number, where several kinds may have it.
        """
        body = {
            "contract": str(contract), "customer": customer, "document_number": document_number,
            "elements": list(elements), "purposes": list(purposes),
            **({"document_type": document_type} if document_type else {}),
        }  # fmt: skip
        made: dict[str, Any] = self.call("POST", "/consent-requests", body=body)
        return made

    def inform(
        self,
        *,
        contract: uuid.UUID,
        document_number: str,
        document_type: str = "",
        elements: Sequence[str],
        purposes: Sequence[str],
    ) -> dict[str, Any]:
        """Give a person notice where the law asks for no consent; the answer's ``id`` stands for one.

        Raises ``NodeError`` (409) where it does.
        """
        body = {
            "contract": str(contract), "document_number": document_number, "elements": list(elements),
            "purposes": list(purposes), **({"document_type": document_type} if document_type else {}),
        }  # fmt: skip
        given: dict[str, Any] = self.call("POST", "/notices", body=body)
        return given

    def request(self, request: str | uuid.UUID) -> dict[str, Any]:
        """Return a request and what came of it: its ``state``, and its ``consent`` once it was given."""
        found: dict[str, Any] = self.call("GET", f"/consent-requests/{request}")
        return found

    def send(
        self,
        *,
        consent: str | uuid.UUID,
        purpose: str,
        values: Mapping[str, str],
        key: str | None = None,
    ) -> dict[str, Any]:
        """Send data about a person under their consent, once for its ``key``, however often it is tried.

        Raises ``NodeError`` (403) for what may not cross; ``problem["params"]["clause"]`` says why.
        """
        body = {"consent": str(consent), "purpose": purpose, "values": dict(values)}
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        sent: dict[str, Any] = self.call("POST", "/records", body=body, headers=headers)
        return sent

    def record(self, record: str | uuid.UUID) -> dict[str, Any]:
        """Return how far a record is, and who has read it; not what it says."""
        found: dict[str, Any] = self.call("GET", f"/records/{record}")
        return found

    def records(self, *, after: int = 0, limit: int = 20) -> list[dict[str, Any]]:
        """Return what has come for this institution beyond a ``position``, the oldest first."""
        asked = urlencode({"after": after, "limit": limit})
        found: list[dict[str, Any]] = self.call("GET", f"/records?{asked}")["records"]
        return found

    def read(self, record: str | uuid.UUID, *, reader: str, purpose: str) -> dict[str, str]:
        """Return what a record says, by kind of data; the person is told who read it, and for what."""
        said = self.call("POST", f"/records/{record}/read", body={"reader": reader, "purpose": purpose})
        return {each["element"]: each["value"] for each in said["values"]}
