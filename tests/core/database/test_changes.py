"""What tells a thread at rest that there is something to look at, and that its connection is still one."""

from __future__ import annotations

import os
import socket
import threading
import time

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, connection, transaction

from kouan.core.database.changes import Changes
from kouan.core.database.fresh import refresh_connection
from kouan.core.database.rows import select

PROCESS = "SELECT pg_backend_pid()"
SAID = "SELECT query, query_start FROM pg_stat_activity WHERE pid = %s"


def elsewhere(work):
    """Do something in a thread, on a connection, of its own."""
    results = []

    def run():
        try:
            results.append(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    return results[0]


def at_rest(changes):
    """Look until a look finds nothing: other databases of the server may change meanwhile."""
    end = time.monotonic() + 20
    while changes.look():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.django_db(transaction=True)
def test_what_another_connection_commits_is_a_change_and_what_it_reads_or_undoes_is_none():
    changes = Changes()
    assert changes.look(), "the first look knows nothing yet"
    at_rest(changes)

    def undo():
        with transaction.atomic():
            Group.objects.create(name="undone")
            transaction.set_rollback(True)

    for harmless in (Group.objects.count, undo):
        elsewhere(harmless)
        at_rest(changes)
    for change in (
        lambda: Group.objects.create(name="made"),
        lambda: Group.objects.update(name="changed"),
        lambda: Group.objects.all().delete(),
    ):
        elsewhere(change)
        assert changes.look()
        at_rest(changes)


@pytest.mark.django_db(transaction=True)
def test_another_connection_looks_anew():
    changes = Changes()
    at_rest(changes)
    if connection.vendor == "sqlite":
        elsewhere(lambda: Group.objects.create(name="while it was closed"))
        held = connection.connection
        connection.connection = None
        try:
            connection.connect()
            assert changes.look()
        finally:
            connection.connection.close()
            connection.connection = held
    else:
        connection.close()
        elsewhere(lambda: Group.objects.create(name="while it was closed"))
        assert changes.look()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_session_at_rest_is_asked_nothing_and_one_that_the_server_ended_is_replaced():
    refresh_connection()
    ((before,),) = select(PROCESS)
    said = elsewhere(lambda: select(SAID, (before,)))
    for _ in range(3):
        refresh_connection()
        connection.ensure_connection()
        with connection.cursor():  # where Django would ask
            pass
    assert elsewhere(lambda: select(SAID, (before,))) == said
    assert connection.settings_dict["CONN_HEALTH_CHECKS"]

    elsewhere(lambda: select("SELECT pg_terminate_backend(%s)", (before,)))
    end = time.monotonic() + 20
    while elsewhere(lambda: select(SAID, (before,))):
        assert time.monotonic() < end
        time.sleep(0.01)
    refresh_connection()
    ((after,),) = select(PROCESS)
    assert after != before, "no statement failed first"


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_one_whose_end_was_not_announced_is_replaced_after_the_statement_that_found_out():
    refresh_connection()
    ((before,),) = select(PROCESS)
    line = socket.socket(fileno=os.dup(connection.connection.fileno()))
    line.shutdown(socket.SHUT_WR)  # as if the machine between had forgotten it
    line.close()
    time.sleep(0.2)
    with pytest.raises(OperationalError):
        select(PROCESS)
    refresh_connection()
    ((after,),) = select(PROCESS)
    assert after != before
