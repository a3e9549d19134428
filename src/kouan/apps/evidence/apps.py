from __future__ import annotations

from django.apps import AppConfig

from kouan.core import chores, credentials


class EvidenceConfig(AppConfig):
    """Evidence of this side's departments, as credentials that a person shows to the other side."""

    name = "kouan.apps.evidence"
    label = "evidence"

    def ready(self) -> None:
        """Keep credentials for the node, and name what the worker does."""
        from kouan.apps.evidence import announcing, figures, kinds, reading  # noqa: PLC0415 - needs the models
        from kouan.apps.evidence.broker import EvidenceBroker  # noqa: PLC0415 - as above
        from kouan.web import papers  # noqa: PLC0415 - as above

        figures.offer()
        credentials.kept_by(EvidenceBroker())
        credentials.requirements_from(lambda: kinds.catalogue().requirements)
        papers.read_by("credential", reading.answer)
        chores.register("evidence-announcing", every=1.0, run=announcing.announce)
