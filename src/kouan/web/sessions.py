"""Browsers' sessions in the database, as Django keeps them, but read without the cost of its queries."""

from __future__ import annotations

from django.contrib.sessions.backends import base, db
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from kouan.core.database.rows import fetch, stored


class SessionStore(db.SessionStore):
    """Django's own; every request that looks at its session reads one row.

    A request that begins a session writes it once: what stands in the database already is not written again
    at the request's end.
    """

    _written: tuple[str | None, bytes] | None = None
    _begun: str | None = None
    """The key of a session that this request has begun."""

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 - Django's own
        """Write the session, unless this request has done so and nothing has changed since."""
        held = self._get_session(no_load=must_create)  # type: ignore[attr-defined] # the stubs leave it out
        data: bytes = self.serializer().dumps(held)
        if not must_create and self._written == (self.session_key, data):
            return
        try:
            super().save(must_create)
        except base.UpdateError:
            if self.session_key != self._begun or (self._written or ("",))[0] == self._begun:
                raise
            super().save(must_create=True)  # the transaction in which it was begun was taken back
        if must_create:
            self._begun = self.session_key
        written = (self.session_key, data)
        transaction.on_commit(lambda: setattr(self, "_written", written))  # a transaction may take it back

    def _get_session_from_db(self) -> Session | None:
        key = self.session_key
        if not key or not key.isprintable():
            return None
        found = fetch(Session, "session_key = %s AND expire_date > %s", (key, stored(timezone.now())))
        if not found:
            self._session_key = None
        return found[0] if found else None
