"""What this app lets over the boundary: one file from a side to another, with its name."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from django.utils.translation import gettext_lazy as _
from pydantic import StringConstraints

from kouan.apps.files.domain import MAX_NAME
from kouan.core.exchange.blobs.reference import MAX_BLOB, Blob, BlobLimit
from kouan.core.exchange.crossing import Consent, Crossing, Payload, Received


class File(Payload):
    """A file and its name."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME)]
    content: Blob


FILE = Crossing(
    type="files.file",
    version=1,
    payload=File,
    title=_("File"),
    purpose=_("To hand a file to the other side, such as a batch of scanned records or a set of data."),
    purpose_code="dpv:ServiceProvision",
    legal_basis="file-transfer",
    fields={
        "name": _("The file's name, without a folder."),
        "content": _(
            "The file itself: its hash and size, and the key that opens it, for the receiver alone."
        ),
    },
    elements={"name": "matter.text", "content": "matter.file"},
    consent=Consent.NOT_NEEDED,
    consent_reason=_("The agreement names the files; none about a single person may be among them."),
    blobs=BlobLimit(most=1, each_bytes=MAX_BLOB),
    max_bytes=2048,
    expires_after=timedelta(days=7),
)


@FILE.handler
def _received(message: Received[File]) -> None:
    from kouan.apps.files import services  # noqa: PLC0415 - needs the models

    services.receive(message)
