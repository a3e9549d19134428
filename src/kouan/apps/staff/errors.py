"""Every error that this app may show to a person."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kouan.core.errors import KouanError


class StaffError(KouanError):
    """Base of this app's errors."""

    code = "staff-error"
    message = _("The request could not be carried out.")


# Departments and posts


class BadDepartment(StaffError):
    """A code or a name that no department can have."""

    code = "bad-department"
    status = 422
    message = _(
        "A department has a code of 2 to 40 characters (a-z, 0-9 and -, beginning with a letter) and a name "
        "in each of the three scripts."
    )


class DepartmentExists(StaffError):
    """The code is taken."""

    code = "department-exists"
    status = 409
    message = _("There is a department with the code %(code)s already.")


class UnknownDepartment(StaffError):
    """No such department."""

    code = "unknown-department"
    status = 404
    message = _("There is no department with the code %(code)s. Add it first.")


class UnknownOfficer(StaffError):
    """No such account."""

    code = "unknown-officer"
    status = 404
    message = _("There is no account with the name %(name)s. Make it with `kouan user add`.")


class OwnPost(StaffError):
    """Nobody changes their own posts."""

    code = "own-post"
    status = 403
    message = _("Nobody grants or withdraws a post of their own. Ask another operator.")


class ProviderDecides(StaffError):
    """The posts of this account are those that the staff provider claims."""

    code = "provider-decides"
    status = 409
    message = _(
        "The posts and the ways to sign in of %(name)s are kept by the staff provider. Change them there; "
        "posts follow at the next sign-in."
    )


# Signing in


class NoPost(StaffError):
    """Somebody whom the provider knows, and who has nothing to do here."""

    code = "no-post"
    status = 403
    message = _(
        "You are known to the staff provider, but it gives you no post at this node. Ask your department to "
        "have one entered there."
    )


class AccountClosed(StaffError):
    """The account was switched off."""

    code = "account-closed"
    status = 403
    message = _("This account may not sign in any more. Ask this node's operator.")


class WrongCode(StaffError):
    """A code that does not fit, or that was used before."""

    code = "wrong-code"
    status = 422
    message = _("The code is wrong, or it was used before. Wait for the next one and try again.")


class PasskeyRefused(StaffError):
    """An answer of a passkey that fails a check."""

    code = "passkey-refused"
    status = 422
    message = _("The passkey could not be used here. Try again, or sign in another way.")


class NoPasskeysHere(StaffError):
    """Browsers let no passkey be used at this portal's address."""

    code = "no-passkeys-here"
    status = 409
    message = _("Passkeys need a portal that is reached by https:// and a name. Use an authenticator app.")


class TooManyPasskeys(StaffError):
    """More than anybody carries."""

    code = "too-many-passkeys"
    status = 409
    message = _("An account has at most %(most)s passkeys. Remove one that you do not use.")


class LastFactor(StaffError):
    """The last second factor, where one is compulsory."""

    code = "last-factor"
    status = 409
    message = _("This node asks for a second factor. Set up another one before you remove this one.")


class UsedBefore(StaffError):
    """What is good for once came a second time."""

    code = "used-before"
    status = 400
    message = _("This was used before. Begin again.")


class UnreadableSecret(StaffError):
    """An authenticator app's secret was sealed under another secret of the node."""

    code = "unreadable-code-secret"
    status = 500
    message = _(
        "The authenticator app cannot be checked: the node's secret has changed since. The operator resets "
        "it with `kouan user reset`."
    )
