"""The words for roles and for ways to sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

    from kouan.web.access import Role

ROLES: Final[dict[Role, _StrOrPromise]] = {
    "issuer": _("Issuer: registers documents of an institution"),
    "operator": _("Operator: runs this side's node"),
    "registrar": _("Registrar: registers the services that sign people in"),
    "data": _("Data officer: drafts, signs and files contracts for the flow of data"),
    "auditor": _("Auditor: sees what flowed under which contract, and proves it"),
    "publisher": _("Publisher: publishes a department's services"),
    "caseworker": _("Caseworker: works on a department's cases"),
    "evidence": _("Keeper of evidence: keeps the records from which credentials are issued"),
    "programme": _("Programme officer: keeps what the two sides agree and do together"),
    "signing": _("Trust list officer: keeps the list of whose certificates are recognised"),
    "signatory": _("Signatory: signs documents with the keys of this side's offices"),
}
ROLE_NAMES: Final[dict[str, _StrOrPromise]] = {
    "issuer": pgettext_lazy("role", "Issuer"),
    "operator": pgettext_lazy("role", "Operator"),
    "registrar": pgettext_lazy("role", "Registrar"),
    "data": pgettext_lazy("role", "Data officer"),
    "auditor": pgettext_lazy("role", "Auditor"),
    "publisher": pgettext_lazy("role", "Publisher"),
    "caseworker": pgettext_lazy("role", "Caseworker"),
    "evidence": pgettext_lazy("role", "Keeper of evidence"),
    "programme": pgettext_lazy("role", "Programme officer"),
    "signing": pgettext_lazy("role", "Trust list officer"),
    "signatory": pgettext_lazy("role", "Signatory"),
}
WAYS: Final[dict[str, _StrOrPromise]] = {
    "password": _("password alone"),
    "password-totp": _("password and authenticator app"),
    "password-recovery": _("password and recovery code"),
    "password-passkey": _("password and passkey"),
    "passkey": _("passkey"),
    "provider": _("staff provider"),
    "unrecorded": _("not recorded"),
}
