"""What can be wrong with a file beside a message, as a peer, an app or an operator is told."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError


class OversizedBlob(KouanError):
    """A file larger than its declaration allows."""

    code = "oversized-blob"
    status = 413
    message = _("The file has %(size)s bytes; the declaration of %(type)s allows %(limit)s.")


class NoRoomForBlob(KouanError):
    """Files of or for one side already take up what its quota allows."""

    code = "blob-quota"
    status = 413
    message = _(
        "A file of %(size)s bytes does not fit: files exchanged with %(peer)s may take up %(quota)s bytes "
        "here, and %(used)s are in use. Wait until some are removed, or raise `blobs.quota_bytes`."
    )


class DiskLow(KouanError):
    """The disk would have less free space than the operator wants to keep."""

    code = "blob-disk-low"
    status = 413
    message = _(
        "A file of %(size)s bytes does not fit: the disk must keep %(keep)s bytes free. "
        "Make room on it, or lower `blobs.min_free_bytes`."
    )


class DiskFailed(KouanError):
    """The folder of files cannot be written or read."""

    code = "blob-disk"
    status = 503
    message = _(
        "The folder `blobs.folder` cannot be used (%(detail)s). Look at the disk and its permissions."
    )


class SourceChanged(KouanError):
    """The file grew while it was being read."""

    code = "blob-source-changed"
    status = 409
    message = _("The file changed while it was being read. Try again when nobody writes to it.")


class BlobNotAttached(KouanError):
    """A message names a file that was not sealed for its receiver, or that another message has taken."""

    code = "blob-not-attached"
    status = 422
    message = _("The message names a file that is not sealed for %(peer)s. Attach it first, once a message.")


class DamagedChunk(KouanError):
    """A sealed chunk that does not open."""

    code = "blob-chunk"
    status = 422
    message = _("Part %(chunk)s of the file is not what its sender sealed.")


class BlobDamaged(KouanError):
    """A file that stayed wrong, chunk or whole, however often it was fetched."""

    code = "blob-damaged"
    status = 422
    message = _("The file is not the one that its sender signed for.")


class BlobUnavailable(KouanError):
    """The sender's door does not hand the file out (any more)."""

    code = "blob-unavailable"
    status = 410
    message = _("The sender's node does not have the file (any more).")


class BlobLate(KouanError):
    """A file that could not be fetched in time."""

    code = "blob-late"
    status = 410
    message = _("The file could not be fetched within the time that this node allows.")


class BlobNotHere(KouanError):
    """No such file is complete on this node."""

    code = "blob-not-here"
    status = 404
    message = _("The file is not here: it has not arrived, or its time to be kept is over.")


class UnknownBlob(KouanError):
    """A peer asks for a file that was not sent to it, or that is gone."""

    code = "unknown-blob"
    status = 404
    message = _("There is no such file for %(peer)s.")


class BadBlobRange(KouanError):
    """A peer asks for chunks that the file does not have, or for too many at once."""

    code = "blob-range"
    status = 416
    message = _("The file has no such parts, or too many were asked for at once.")


class TooManyStreams(KouanError):
    """As many files are being handed out as the door does at once."""

    code = "blob-streams"
    status = 503
    message = _("The door hands out as many files as it does at once. Try again in a moment.")
