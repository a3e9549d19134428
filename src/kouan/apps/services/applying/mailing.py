"""E-mail to applicants: that there is news, not what; tried again while the server is away."""

from __future__ import annotations

import logging
import re
import smtplib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext

from kouan.apps.services.applying import drafts
from kouan.apps.services.applying.errors import BadEmail, NotEditable
from kouan.apps.services.models import Application, ApplicationNotice
from kouan.apps.services.sealing import seal, unseal
from kouan.core.vault import Unsealable

if TYPE_CHECKING:
    import uuid

    from kouan.web.persons import Person

log = logging.getLogger(__name__)
MOST_TRIES: Final = 8
AT_ONCE: Final = 20
_FIRST: Final = timedelta(minutes=1)
_ADDRESS: Final = re.compile(r"[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)+")
"""As far as Django's own rule lets more through: spaces in quotes, and this very machine."""
_MOST: Final = 254


def address(text: str) -> str:
    """Return the address that a person wrote, or nothing where they left it empty; raises ``BadEmail``."""
    text = text.strip()
    if not text:
        return text
    if len(text) > _MOST or not _ADDRESS.fullmatch(text):
        raise BadEmail
    try:
        validate_email(text)
    except ValidationError:
        raise BadEmail from None
    return text


def sealed(application: Application, text: str) -> bytes:
    """Return an address as an application keeps it; empty for none."""
    return seal(text.encode(), of=f"application {application.key} email") if text else b""


def address_of(application: Application) -> str:
    """Return where news of an application goes; empty for nowhere."""
    return unseal(application.email, of=f"application {application.key} email").decode()


def write_to(*, key: uuid.UUID, person: Person, text: str) -> None:
    """Keep where news of a draft goes before it is sent; empty for nowhere.

    Raises ``BadEmail``, ``UnknownApplication``, or ``NotEditable`` for what was sent.
    """
    row = drafts.mine(key, person)
    kept = sealed(row, address(text))
    if not Application.objects.filter(pk=row.pk, state__in=drafts.OPEN).update(email=kept):
        raise NotEditable


def run() -> bool:
    """Send what is due; returns whether there was anything.

    A try is noted before it is made: whoever is killed within it sends late, and never for ever.
    """
    now = timezone.now()
    due = ApplicationNotice.objects.filter(mail_due_at__lte=now).select_related("application")
    rows = list(due.order_by("mail_due_at")[:AT_ONCE])
    for row in rows:
        with transaction.atomic():
            later = now + _FIRST * 2**row.tries if row.tries + 1 < MOST_TRIES else None
            if not ApplicationNotice.objects.filter(pk=row.pk, mail_due_at=row.mail_due_at).update(
                tries=row.tries + 1, mail_due_at=later
            ):
                continue  # another worker has it
        if _sent(row.application):
            ApplicationNotice.objects.filter(pk=row.pk).update(mail_due_at=None)
    return bool(rows)


def _sent(application: Application) -> bool:
    """Send one e-mail; false where it is worth another try."""
    try:
        to = address_of(application)
    except Unsealable:
        log.warning("the e-mail address of an application cannot be opened any more")
        return True
    if not to:
        return True
    try:
        message_for(application, to).send()
    except (OSError, smtplib.SMTPException) as error:
        log.warning("an e-mail could not be sent (%s)", type(error).__name__)
        return False
    except Exception as error:  # noqa: BLE001 - one address holds no other news up
        # Its text may name the address.
        log.warning("an e-mail cannot be sent and is given up (%s)", type(error).__name__)
    return True


def message_for(application: Application, to: str) -> EmailMessage:
    """Return the e-mail: that there is news, and where; it names neither person nor service."""
    with translation.override(application.language):
        subject = gettext("There is news about your application")
        text = gettext(
            "There is news about an application that you made here. Sign in to read it:\n\n%(url)s\n\n"
            "This message is sent by a machine and holds nothing about you. Do not answer it."
        )
    link = f"{settings.NODE.portal_origin}/applications/"
    return EmailMessage(subject, text % {"url": link}, settings.DEFAULT_FROM_EMAIL, [to])
