"""Browsers' sessions in the database, as Django keeps them, but read without the cost of its queries."""

from __future__ import annotations

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from kouan.core.database.rows import fetch, stored


class SessionStore(db.SessionStore):
    """Django's own; every request that looks at its session reads one row."""

    def _get_session_from_db(self) -> Session | None:
        key = self.session_key
        if not key or not key.isprintable():
            return None
        found = fetch(Session, "session_key = %s AND expire_date > %s", (key, stored(timezone.now())))
        if not found:
            self._session_key = None
        return found[0] if found else None
