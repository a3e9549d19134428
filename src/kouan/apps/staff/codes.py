"""Authenticator apps (TOTP, RFC 6238) and recovery codes."""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING, Final

import pyotp
import segno
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from kouan.apps.staff import sessions, vault
from kouan.apps.staff.domain import RECOVERY_CODES, STEP, new_recovery_code, recovery_code
from kouan.apps.staff.errors import WrongCode
from kouan.apps.staff.models import Officer, RecoveryCode
from kouan.apps.staff.services import officer_of
from kouan.core.sides import get_side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.auth.models import User

_SKEWS: Final = (0, -1, 1)
"""Steps by which a phone's clock may differ."""


def new_secret() -> str:
    """Return a secret for an authenticator app: 160 bits, in base 32."""
    return pyotp.random_base32()


def address_of(secret: str, user: User) -> str:
    """Return the ``otpauth:`` address that an authenticator app reads."""
    issuer = f"Kouan {get_side(settings.NODE.side).name.en}"
    return pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name=issuer)


def drawing_of(address: str) -> str:
    """Return the QR code of an address as inline SVG, with nothing in it that a strict page refuses."""
    return segno.make(address, error="m").svg_inline(scale=5, omitsize=True, svgclass="staff-qr", border=4)


def set_up(*, user: User, secret: str, code: str) -> Sequence[str]:
    """Take an authenticator app into use, and return new recovery codes; raises ``WrongCode``.

    The first code shows that the app has the secret; it counts as used.
    """
    step = _step_of(secret, code)
    if step is None:
        raise WrongCode
    with transaction.atomic():
        officer = officer_of(user)
        Officer.objects.filter(pk=officer.pk).update(
            totp_secret=vault.seal(secret, account=user.pk), totp_step=step
        )
        sessions.renew(user)
        return _new_codes(user)


def remove(*, user: User) -> None:
    """Take the authenticator app out of use; raises ``LastFactor``."""
    with transaction.atomic():
        sessions.keep_a_factor(user, without_app=True)
        Officer.objects.filter(user=user).update(totp_secret=None, totp_step=0)
        drop_idle_codes(user)
        sessions.renew(user)


def drop_idle_codes(user: User) -> None:
    """Forget the recovery codes of an account without a second factor: they are none by themselves."""
    if not sessions.has_factor(user):
        RecoveryCode.objects.filter(user=user).delete()


def renew_recovery_codes(*, user: User) -> Sequence[str]:
    """Make new recovery codes and forget the old ones."""
    with transaction.atomic():
        return _new_codes(user)


def check(*, user: User, typed: str) -> str:
    """Take a code of the app or a recovery code; return which way that was, or raise ``WrongCode``.

    Each code counts once, also when it comes twice at the same moment.
    """
    recovery = recovery_code(typed)
    if recovery:
        digest = _digest(user, recovery)
        if RecoveryCode.objects.filter(user=user, digest=digest, used_at=None).update(used_at=timezone.now()):
            return "password-recovery"
        raise WrongCode
    officer = Officer.objects.filter(user=user).exclude(totp_secret=None).first()
    if officer is None or officer.totp_secret is None:
        raise WrongCode
    step = _step_of(vault.unseal(bytes(officer.totp_secret), account=user.pk), typed)
    if step is None or not Officer.objects.filter(pk=officer.pk, totp_step__lt=step).update(totp_step=step):
        raise WrongCode
    return "password-totp"


def _step_of(secret: str, typed: str) -> int | None:
    """Return the step of which ``typed`` is the code, if it is one of now."""
    code = "".join(typed.split())
    if not code.isascii() or not code.isdigit():
        return None
    now = int(time.time()) // STEP
    totp = pyotp.TOTP(secret, interval=STEP)
    found = [now + skew for skew in _SKEWS if hmac.compare_digest(totp.generate_otp(now + skew), code)]
    return max(found, default=None)


def _new_codes(user: User) -> Sequence[str]:
    codes = [new_recovery_code() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, digest=_digest(user, recovery_code(code))) for code in codes
    )
    return codes


def _digest(user: User, code: str) -> str:
    return salted_hmac("kouan.staff.recovery", f"{user.pk}\0{code}", algorithm="sha256").hexdigest()
