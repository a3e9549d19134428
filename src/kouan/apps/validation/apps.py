from __future__ import annotations

from django.apps import AppConfig

from kouan.core import chores


class ValidationConfig(AppConfig):
    """The Validation app."""

    name = "kouan.apps.validation"
    label = "validation"

    def ready(self) -> None:
        """Name what the worker does by itself, and who keeps the register of documents."""
        from kouan.apps.validation import figures, statistics  # noqa: PLC0415 - models are ready now
        from kouan.apps.validation.bulk import work  # noqa: PLC0415 - as above
        from kouan.apps.validation.registrar import DocumentRegister  # noqa: PLC0415 - as above
        from kouan.core import documents  # noqa: PLC0415 - as above

        figures.offer()
        documents.kept_by(DocumentRegister())
        chores.register("validation-files", every=work.EVERY, run=work.step)
        chores.register("validation-statistics", every=statistics.EVERY, run=statistics.fold)
