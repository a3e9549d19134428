"""What every form of the portal shares."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, SkipFile


class NoFiles(FileUploadHandler):
    """Keeps no file: Django's own handlers would fill the disk for anybody, whatever page is asked."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - Django's signature
        """Have the file passed over."""
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep nothing; never called for a file that is passed over."""

    def file_complete(self, file_size: int) -> None:
        """Return no file."""
