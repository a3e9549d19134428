"""Static files: served by the node itself, under addresses that change when their content does.

All files share one version, a digest over the whole set, which stands in the path:
``/static/~1f3a…/kouan/frame.css``. Such an address is cached for ever. Because the version is a folder,
relative references between style sheets and script modules keep working, and nothing has to be
collected, renamed or rewritten before the first start. The same file without the version is served
too, with a short life.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.utils.encoding import filepath_to_uri
from whitenoise.middleware import WhiteNoiseMiddleware

_VERSION: Final = re.compile(r"^~[0-9a-f]{16}$")
_READ: Final[dict[str, dict[str, Any]]] = {}
"""By the prefix of their addresses: what answers for each file."""


@cache
def found_files() -> dict[str, Path]:
    """Return every static file of every app by its name; the first app that has a name wins."""
    files: dict[str, Path] = {}
    for finder in finders.get_finders():
        for name, storage in finder.list(None):
            files.setdefault(name, Path(storage.path(name)))
    return files


@cache
def version() -> str:
    """Return the present set's version, ``~`` and 16 hexadecimal digits; computed once a process."""
    digest = hashlib.sha256()
    for name, path in sorted(found_files().items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return "~" + digest.hexdigest()[:16]


class VersionedStorage(StaticFilesStorage):
    """Gives ``static()`` the versioned address of a file; a name that does not exist is an error."""

    def url(self, name: str | None) -> str:
        """Return the versioned address; raises ``ValueError`` for a file that no app has."""
        if name is None or name not in found_files():
            hint = (
                " `make setup` fetches what stands under vendor/." if str(name).startswith("vendor/") else ""
            )
            raise ValueError(f"There is no static file {name!r}.{hint}")
        return filepath_to_uri(f"{self.base_url}{version()}/{name}") or ""


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc] # WhiteNoise has no types
    """WhiteNoise over the apps' files, each under its versioned and its plain address."""

    def add_files_from_finders(self) -> None:
        """Read the apps' files, once a process however many handlers it makes."""
        if self.static_prefix not in _READ:
            before = set(self.files)
            for name, path in found_files().items():
                for url in (f"{self.static_prefix}{version()}/{name}", f"{self.static_prefix}{name}"):
                    self.add_file_to_dictionary(url, str(path))
            _READ[self.static_prefix] = {url: self.files[url] for url in set(self.files) - before}
        self.files.update(_READ[self.static_prefix])

    def immutable_file_test(self, path: str, url: str) -> bool:  # noqa: ARG002 - WhiteNoise calls it so
        """Say whether ``url`` carries a version and so never changes its content."""
        return bool(_VERSION.match(url.removeprefix(self.static_prefix).partition("/")[0]))
