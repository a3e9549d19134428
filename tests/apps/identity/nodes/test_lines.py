"""A connection to the other side's door that has been idle, and that the door left without a word."""

from __future__ import annotations

import http.client
import ssl
import threading
from dataclasses import replace

import pytest

from kouan.apps.identity.nodes import relay
from kouan.core.exchange import calling
from kouan.core.exchange.transport import PeerUnreachable


class Left:
    """A connection of which the other end is gone."""

    def __init__(self, error):
        self.error = error
        self.closed = False

    def request(self, *_args, **_more):
        raise self.error

    def close(self):
        self.closed = True


GONE = [
    ssl.SSLEOFError(8, "EOF occurred in violation of protocol"),
    ConnectionResetError(),
    BrokenPipeError(),
    http.client.RemoteDisconnected(),
]


@pytest.mark.parametrize("error", GONE, ids=lambda error: type(error).__name__)
def test_another_one_is_opened(gd, interaction, error):
    relay.begin(interaction=interaction())
    (line,) = calling._lines._idle["gd"]
    left = line._connection = Left(error)
    relay.begin(interaction=interaction())
    assert left.closed
    assert gd.calls == ["/identity/par"] * 2


@pytest.mark.parametrize("error", GONE, ids=lambda error: type(error).__name__)
def test_a_new_one_is_tried_once(gd, interaction, monkeypatch, error):
    opened = []

    def connection(_member, **_):
        opened.append(Left(error))
        return opened[-1]

    monkeypatch.setattr(calling, "connection_to", connection)
    with pytest.raises(PeerUnreachable):
        relay.begin(interaction=interaction())
    assert [each.closed for each in opened] == [True]


def test_one_connection_serves_whoever_asks_in_turn(gd, interaction):
    relay.begin(interaction=interaction())
    (line,) = calling._lines._idle["gd"]
    taken = []

    def ask():
        taken.append(calling._lines.take(line.member))
        calling._lines.give_back(taken[-1])

    for _ in range(3):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert taken == [line] * 3
    first, second = calling._lines.take(line.member), calling._lines.take(line.member)
    assert first is line
    assert second is not line, "two calls at once have a connection each"


def test_a_line_of_an_earlier_trust_document_is_closed(gd, interaction):
    relay.begin(interaction=interaction())
    (line,) = calling._lines._idle["gd"]
    line.member = replace(line.member, document=b"earlier")
    left = line._connection = Left(ConnectionResetError())
    relay.begin(interaction=interaction())
    assert left.closed
    assert gd.calls == ["/identity/par"] * 2
