"""What can go wrong with sending and taking files."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError


class UnsoundName(KouanError):
    """A file name that is not one plain name."""

    code = "unsound-file-name"
    status = 422
    message = _("A file's name must be one plain name without folders or invisible characters. Rename it.")


class UnknownFile(KouanError):
    """No received file has this id."""

    code = "unknown-file"
    status = 404
    message = _("No file %(file)s was received. `kouan file list` shows what was.")


class FileExists(KouanError):
    """Something already has the name under which a file is to be saved."""

    code = "file-exists"
    status = 409
    message = _("%(path)s exists already; nothing was changed. Name another place with --out.")


class CannotReadFile(KouanError):
    """The file to send cannot be read."""

    code = "cannot-read-file"
    status = 422
    message = _("%(path)s cannot be read or written: %(detail)s.")
