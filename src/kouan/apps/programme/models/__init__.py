"""The tables of this app."""

from __future__ import annotations

from kouan.apps.programme.models.plan import (
    Attendee,
    Draft,
    JointMeeting,
    MeetingPaper,
    PaperContent,
    Report,
    Subject,
    Version,
    VersionPaper,
)
from kouan.apps.programme.models.records import Claim, Judgement, Meeting, Record

__all__ = [
    "Attendee",
    "Claim",
    "Draft",
    "JointMeeting",
    "Judgement",
    "Meeting",
    "MeetingPaper",
    "PaperContent",
    "Record",
    "Report",
    "Subject",
    "Version",
    "VersionPaper",
]
