"""What the catalogue refuses."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError


class UnknownService(KouanError):
    """No such service is in the catalogue."""

    code = "unknown-service"
    status = 404
    message = _("There is no service “%(service)s” of this side in the catalogue.")


class ServiceWithdrawn(KouanError):
    """The department no longer offers it."""

    code = "service-withdrawn"
    status = 410
    message = _("The department no longer offers this service. What you had filled in is kept as a copy.")


class UnknownVersion(KouanError):
    """No such version is kept here."""

    code = "unknown-service-version"
    status = 409
    message = _("This node does not have the version of the service that is meant.")


class FaultyDefinition(KouanError):
    """A service as it was written or sent cannot be published."""

    code = "faulty-service"
    status = 422
    message = _("The service cannot be published: %(detail)s. Mend it, check it, and try again.")


class ForeignDefinition(KouanError):
    """A side sent a service of another one, or a department published one of another department."""

    code = "foreign-service"
    status = 403
    message = _(
        "The service %(service)s belongs to somebody else: each side and each department publishes its own."
    )


class OnlyForDemonstrations(KouanError):
    """A made-up service on a node that is no demonstration."""

    code = "demonstration-service"
    status = 422
    message = _("The service %(service)s is made up for demonstrations. This node takes real ones alone.")


class NothingToPublish(KouanError):
    """There is no draft."""

    code = "nothing-to-publish"
    status = 409
    message = _("There is no draft of the service %(service)s. Upload one first.")


class NothingToWithdraw(KouanError):
    """It is not published."""

    code = "nothing-to-withdraw"
    status = 409
    message = _("The service %(service)s is not published, so there is nothing to withdraw.")


class DraftChanged(KouanError):
    """Somebody else has uploaded another draft since it was looked at."""

    code = "service-draft-changed"
    status = 409
    message = _("The draft was replaced by somebody else meanwhile. Look at it again before you publish it.")


class NoFolder(KouanError):
    """An upload brought no file that can be read."""

    code = "no-service-folder"
    status = 422
    message = _("Choose a ZIP file of up to 1 MB that holds service.toml and form.json.")


class UnreadableCatalogue(KouanError):
    """A file is no catalogue."""

    code = "unreadable-catalogue"
    status = 422
    message = _("The file is no CPSV-AP catalogue that can be read: %(detail)s.")
