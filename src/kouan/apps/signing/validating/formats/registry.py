"""Every format that is read; a format is one file beside this one, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kouan.apps.signing.validating.formats.base import SNIFFED
from kouan.apps.signing.validating.formats.cms import Cms
from kouan.apps.signing.validating.formats.jws import Jws
from kouan.apps.signing.validating.formats.ofd import Ofd
from kouan.apps.signing.validating.formats.pdf import Pdf
from kouan.apps.signing.validating.formats.xml import Xml

if TYPE_CHECKING:
    from typing import IO

    from kouan.apps.signing.validating.formats.base import Format

FORMATS: Final[tuple[Format, ...]] = (Cms(), Pdf(), Jws(), Xml(), Ofd())
"""In the order in which they are asked: a CMS may be around a PDF, whose own beginning then stands in its."""


def format_of(file: IO[bytes]) -> Format | None:
    """Return the format that a file is built like; the file is left at its beginning."""
    file.seek(0)
    head = file.read(SNIFFED)
    found = next((each for each in FORMATS if each.sniff(head, file)), None)
    file.seek(0)
    return found
