from __future__ import annotations

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from django.utils import timezone
from joserfc import jws
from joserfc.jwk import ECKey

from kouan.apps.identity.models import LogoutDelivery, SigningKey
from kouan.apps.identity.nodes import logouts

pytestmark = pytest.mark.usefixtures("node")


class Server:
    """A service's address for the end of sign-ins."""

    def __init__(self):
        self.status, self.headers, self.told = 200, {}, []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/ended"

    def _handler(server):  # noqa: N805 - the handler has a self of its own
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                server.told.append((self.path, self.headers["Content-Type"], parse_qs(body)))
                self.send_response(server.status)
                for name, value in {"Content-Length": "0", **server.headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                """Say nothing."""

        return Handler

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


@pytest.fixture
def waiting(at_library, server):
    row = at_library(ended_at=timezone.now(), ended_by="service")
    return LogoutDelivery.objects.create(sign_in=row, uri=server.url, next_at=timezone.now())


def test_a_logout_token_as_openid_connect_has_it(waiting, server, settings):
    assert not logouts.deliver()
    ((path, kind, form),) = server.told
    assert (path, kind) == ("/ended", "application/x-www-form-urlencoded")
    (token,) = form["logout_token"]
    head = jws.extract_compact(token.encode()).protected
    key = SigningKey.objects.get(kid=head["kid"], use="token")
    said = json.loads(jws.deserialize_compact(token, ECKey.import_key(key.public), ["ES256"]).payload)
    assert head["typ"] == "logout+jwt"
    assert said["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert (said["iss"], said["aud"]) == (settings.NODE.portal_origin, "library")
    assert (said["sid"], said["sub"]) == (str(waiting.sign_in.key), waiting.sign_in.subject)
    assert said["exp"] - said["iat"] == 120
    assert said["jti"]
    assert "nonce" not in said
    waiting.refresh_from_db()
    assert waiting.state == "delivered"
    logouts.deliver()
    assert len(server.told) == 1


@pytest.mark.parametrize("status", [400, 404, 500, 301])
def test_what_is_not_taken_is_tried_again(waiting, server, status):
    server.status, server.headers = status, {"Location": server.url}
    before = timezone.now()
    logouts.deliver()
    assert len(server.told) == 1, "nobody is followed"
    waiting.refresh_from_db()
    assert (waiting.state, waiting.failures) == ("waiting", 1)
    assert before + timedelta(seconds=3) < waiting.next_at < timezone.now() + timedelta(seconds=7)
    server.status = 204
    LogoutDelivery.objects.update(next_at=timezone.now())
    logouts.deliver()
    waiting.refresh_from_db()
    assert waiting.state == "delivered"


def test_pauses_grow_and_end(waiting, server):
    server.status = 500
    for failures in range(1, len(logouts.PAUSES) + 3):
        before = timezone.now()
        LogoutDelivery.objects.update(next_at=before)
        logouts.deliver()
        waiting.refresh_from_db()
        pause = timedelta(seconds=logouts.PAUSES[min(failures, len(logouts.PAUSES)) - 1])
        assert before + 0.7 * pause < waiting.next_at < timezone.now() + 1.3 * pause
    waiting.sign_in.ended_at = timezone.now() - logouts.GIVE_UP_AFTER - timedelta(seconds=1)
    waiting.sign_in.save()
    LogoutDelivery.objects.update(next_at=timezone.now())
    logouts.deliver()
    waiting.refresh_from_db()
    assert waiting.state == "given-up"
    assert waiting.ended_at is not None


def test_what_one_worker_has_taken_another_leaves(waiting):
    now = timezone.now()
    assert [row.pk for row in logouts._take(now)] == [waiting.pk]
    assert not logouts._take(now)
    assert logouts._take(now + logouts.TAKEN_FOR), "a worker that was killed leaves it to be tried again"


def test_nobody_listening(waiting):
    LogoutDelivery.objects.update(uri="http://127.0.0.1:9/ended")
    logouts.deliver()
    waiting.refresh_from_db()
    assert waiting.failures == 1
