from __future__ import annotations

from django.apps import AppConfig

from kouan.core import chores


class StaffConfig(AppConfig):
    """The Staff app: how officers sign in, and which posts they hold."""

    name = "kouan.apps.staff"
    label = "staff"

    def ready(self) -> None:
        """Tell the pages who holds what in which department, and name what the worker tidies up."""
        from kouan.apps.staff import queries, services  # noqa: PLC0415 - they need the models to be loaded
        from kouan.web import access  # noqa: PLC0415 - as above

        access.departments_by(queries.departments_of, known=queries.codes)
        chores.register("staff-tidy", every=3600, run=services.tidy)
