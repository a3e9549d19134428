"""Whom the door lets in: the peers' certification authorities, as a file for its TLS server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from kouan.core.trust import files
from kouan.core.trust.queries import own, peer_ca_bundle

if TYPE_CHECKING:
    from pathlib import Path


def write_peers_file() -> Path:
    """Write ``run/peers.pem`` if it is not as it should be, and return its path.

    The door reads it when it starts; the supervisor starts the door anew when the file has changed.
    Without any peer the door knows only its own authority, which has issued nothing to others.
    """
    path: Path = settings.NODE.run / "peers.pem"
    keys = own()
    # Words outside the certificates are passed over by who reads them; they change with our own
    # certificate, so that the door starts anew for that too.
    wanted = (peer_ca_bundle() or keys.public.tls_ca_pem) + f"shown: {keys.tls_key.stem}\n".encode()
    if not path.exists() or path.read_bytes() != wanted:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_private(path, wanted)
    return path
