"""How much an OFD document may hold before it is refused unread. Bytes, unless a name says otherwise."""

from __future__ import annotations

from typing import Final

MAX_FILE: Final = 64 << 20
"""The document as it arrives."""
MAX_PARTS: Final = 4096
"""Files in the container; its folders count as well."""
MAX_PART: Final = 64 << 20
"""One file of the container, unpacked."""
MAX_UNPACKED: Final = 256 << 20
"""All files of the container, unpacked."""
MAX_RATIO: Final = 200
"""How many times larger than packed a file may be, once it is larger than ``RATIO_FROM``."""
RATIO_FROM: Final = 1 << 20
MAX_NAME: Final = 512
MAX_DIRECTORY: Final = MAX_PARTS * (46 + MAX_NAME + 256)
"""The container's own list of its files: a fixed head, a name, and what producers add."""

MAX_XML: Final = 16 << 20
MAX_DEPTH: Final = 64
"""Levels of elements."""
MAX_ELEMENTS: Final = 400_000
MAX_ATTRIBUTES: Final = 64
"""Attributes of one element."""

MAX_BODIES: Final = 16
"""Documents in one container (GB/T 33190 section 7.4)."""
MAX_PAGES: Final = 2000
MAX_SIGNATURES: Final = 64
MAX_REFERENCES: Final = MAX_PARTS
MAX_STAMPS: Final = MAX_PAGES
"""Places of one seal: one that crosses the edges of all pages stands on each."""

MAX_SIGNED_VALUE: Final = 4 << 20
MAX_DER_VALUES: Final = 4096
"""Values in one SEQUENCE or SET."""
MAX_CERTIFICATE: Final = 64 << 10
MAX_SEAL_SIGNERS: Final = 1000

MAX_PICTURE_FILE: Final = 4 << 20
MAX_PICTURE_PIXELS: Final = 16 << 20
MAX_PICTURE_SIDE: Final = 8192
