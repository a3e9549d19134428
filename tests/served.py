"""This process's node on a port, answered in the thread of the test, which alone may use its database."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from django.test import Client


def served(work, *, between=lambda: None):
    """Run ``work(url)`` in a thread of its own against the node, and return what it returns.

    ``between`` runs between requests, for what the worker does.
    """
    browser = Client()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            length = int(self.headers.get("Content-Length", 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            answer = browser.generic(
                self.command, self.path, self.rfile.read(length),
                content_type=headers.pop("Content-Type", ""), headers=headers,
            )  # fmt: skip
            body = b"".join(answer) if answer.streaming else answer.content
            self.send_response(answer.status_code)
            for name, value in answer.items():
                if name.lower() != "content-length":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        do_GET = do_POST = answer  # noqa: N815 - the library's names

        def log_message(self, *args):
            pass

    ended = []

    def run():
        try:
            ended.append((work(f"http://127.0.0.1:{server.server_port}"), None))
        except BaseException as error:  # noqa: BLE001 - raised again in the test's thread
            ended.append((None, error))

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.timeout = 0.05
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        while thread.is_alive():
            server.handle_request()
            between()
    ((result, error),) = ended
    if error is not None:
        raise error
    return result
