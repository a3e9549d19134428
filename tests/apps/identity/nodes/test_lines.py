"""A connection to the other side's door that has been idle, and that the door left without a word."""

from __future__ import annotations

import http.client
import ssl

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
    left = calling._lines.held["gd"]._connection = Left(error)
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
