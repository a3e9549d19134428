"""What is refused where a person is to be asked for a consent, or to be told that none is needed."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError


class ConsentNeeded(KouanError):
    """A notice to a person, where the law asks for their consent."""

    code = "consent-needed"
    status = 409
    message = _(
        "Under contract %(contract)s nothing crosses without the person's consent: ask them for it instead."
    )


class NoConsentAsked(KouanError):
    """A person is to be asked for a consent, where the law asks for none and they are told instead."""

    code = "no-consent-asked"
    status = 409
    message = _(
        "Under contract %(contract)s the law asks for no consent: give the person a notice instead, through "
        "the interface for institutions."
    )


class TermsChanged(KouanError):
    """A person answers a request, and the contract says something else than what they were shown."""

    code = "terms-changed"
    status = 409
    message = _("The contract has changed since this page was shown. Read it again, then decide.")
