"""Invitations by e-mail to this side's delegates; tried again while the server is away."""

from __future__ import annotations

import logging
import smtplib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext

from kouan.apps.programme.models import Attendee
from kouan.apps.programme.plan import labels
from kouan.web.filters import datetime_long

if TYPE_CHECKING:
    from kouan.apps.programme.models import JointMeeting

log = logging.getLogger(__name__)
EVERY: Final = 5.0
MOST_TRIES: Final = 8
AT_ONCE: Final = 20
_FIRST: Final = timedelta(minutes=1)


def run() -> bool:
    """Send what is due; returns whether there was anything.

    A try is noted before it is made: whoever is killed within it sends late, and never for ever.
    """
    now = timezone.now()
    due = Attendee.objects.filter(mail_due_at__lte=now).select_related("meeting")
    rows = list(due.order_by("mail_due_at")[:AT_ONCE])
    for row in rows:
        with transaction.atomic():
            later = now + _FIRST * 2**row.tries if row.tries + 1 < MOST_TRIES else None
            if not Attendee.objects.filter(pk=row.pk, mail_due_at=row.mail_due_at).update(
                tries=row.tries + 1, mail_due_at=later
            ):
                continue  # another worker has it
        if _sent(row):
            Attendee.objects.filter(pk=row.pk, mail_due_at=later).update(
                mail_due_at=None, tries=0, invited=row.meeting.sequence
            )
    return bool(rows)


def message_for(attendee: Attendee, meeting: JointMeeting) -> EmailMessage:
    """Return the e-mail: what, when and where, with the invitation that a calendar takes up."""
    cancelled = meeting.state == "cancelled"
    with translation.override(attendee.language):
        title = labels.words(meeting.title)
        subject = (gettext("Cancelled: %(title)s") if cancelled else gettext("Invitation: %(title)s")) % {
            "title": title
        }
        text = gettext(
            "%(title)s\n%(at)s\n%(place)s\n%(mode)s\n\nThis message is sent by a machine. Do not answer it."
        ) % {
            "title": title,
            "at": datetime_long(meeting.starts_at),
            "place": labels.words(meeting.place),
            "mode": labels.MODES[meeting.mode],
        }
    from kouan.apps.programme.plan import ical  # noqa: PLC0415 - its library is heavy, and few processes invite

    message = EmailMessage(subject.replace("\n", " "), text, settings.DEFAULT_FROM_EMAIL, [attendee.email])
    method = "CANCEL" if cancelled else "REQUEST"
    message.attach(
        "invite.ics", ical.invitation(meeting, attendee).decode(), f"text/calendar; method={method}"
    )
    return message


def _sent(row: Attendee) -> bool:
    """Send one e-mail; false where it is worth another try."""
    try:
        message_for(row, row.meeting).send()
    except (OSError, smtplib.SMTPException) as error:
        log.warning("an invitation could not be sent (%s)", type(error).__name__)
        return False
    return True
