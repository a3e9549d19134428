from __future__ import annotations

from django.apps import AppConfig

from kouan.core import chores


class BlobsConfig(AppConfig):
    """Files that travel apart from messages."""

    name = "kouan.core.exchange.blobs"
    label = "blobs"

    def ready(self) -> None:
        """Have the worker fetch what peers' messages name, and clear away what is no longer needed."""
        from kouan.core.exchange.blobs import cleaning, fetching  # noqa: PLC0415 - needs the models

        chores.register("blobs-fetch", every=0.25, run=fetching.start_fetching)
        chores.register("blobs-clean", every=20.0, run=cleaning.clean)
