"""The portal as granian loads it: our front on the event loop, Django behind it in threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from a2wsgi import WSGIMiddleware

from kouan.wsgi import application as pages  # isort: skip - sets Django up, which the rest needs

from kouan.config import load_from_environment
from kouan.core.watch import process
from kouan.node.front import BODY, Application, Front
from kouan.node.refusals import REFUSAL

if TYPE_CHECKING:
    from collections.abc import Iterable

THREADS: Final = 16
"""Requests that are answered at once; one that waits for the other side's answer holds its thread."""
_AHEAD: Final = 1
"""Pieces of an answer that are made before they are sent; those of a large file have a MB each."""


def _with_body(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Hand Django the body as the file that it is."""
    scope = environ["asgi.scope"]
    environ |= {"wsgi.input": scope[BODY], REFUSAL: scope[REFUSAL]}
    return pages(environ, start_response)


process.begin("portal", load_from_environment())
application = Front(cast("Application", WSGIMiddleware(cast("Any", _with_body), THREADS, _AHEAD)))
