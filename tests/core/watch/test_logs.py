"""Our own logging, end to end: what is tried to be logged, and what stands in the log."""

from __future__ import annotations

import io
import json
import logging
from typing import Annotated

import pytest
from annotated_types import Len

from kouan.core.exchange.crossing import Payload
from kouan.core.watch import logs
from kouan.core.watch.redact import IDENTITY


class Person(Payload):
    name: str
    mark: Annotated[bytes, Len(4, 4)]


@pytest.fixture
def log():
    """The root logger as a process has it, and what it wrote; put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.request.set("")

    def begin(form):
        logs.configure("worker", "hk", form, stream)
        return logging.getLogger("kouan.tests")

    begin.stream = stream
    yield begin
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def broken(what):
    raise ValueError(what)


def written(log):
    return [json.loads(line) for line in log.stream.getvalue().splitlines()]


@pytest.mark.parametrize("form", ["text", "json"])
def test_neither_a_number_nor_a_payload_gets_into_the_log(log, form):
    logger = log(form)
    payload = Person(name="Chan Tai Man", mark=b"mark")
    logger.info("the holder of %s and of %s", "A123456(7)", "11010519491231002X")
    logger.warning("it said %s, %r and %s", payload, b"a body in full", {"name": "Chan Tai Man"})
    logger.info(payload)
    logger.info({"name": "Chan Tai Man"})
    logger.error("GET /validate?holder=Chan")
    numbers = ["A123456(7)", "11010519491231002X"]
    try:
        broken(f"nobody has {numbers[0]} and {numbers[1]}")
    except ValueError:
        logger.exception("a handler failed on %s", b"Chan Tai Man")
    said = log.stream.getvalue()
    for secret in ("A123456", "110105", "Chan", "a body in full"):
        assert secret not in said
    assert said.count(IDENTITY) == 4
    assert "Traceback" in said


def test_a_line_of_json_has_the_fields_that_are_promised(log):
    logger = log("json")
    logger.info("all is well")
    logger.warning("no answer", extra={"about": {"peer": "gd", "code": "peer-silent", "name": "Chan"}})
    request = logs.request.set("0123456789abcdef")
    with logs.about_messages():
        logs.message.set("01890a5d-ac96-774b-bcce-b302099a8057")
        try:
            broken("x")
        except ValueError:
            logger.exception("it broke")
    logs.request.reset(request)
    logger.info("after it")
    plain, about, broke, after = written(log)
    assert set(plain) == set(logs.FIELDS[:6])
    assert (plain["text"], plain["level"], plain["process"], plain["side"]) == (
        "all is well",
        "info",
        "worker",
        "hk",
    )
    assert plain["at"].endswith("+00:00")
    assert (about["peer"], about["code"]) == ("gd", "peer-silent")
    assert "Chan" not in json.dumps(about)
    assert broke["request"] == "0123456789abcdef"
    assert broke["message"] == "01890a5d-ac96-774b-bcce-b302099a8057"
    assert broke["error"] == "ValueError"
    assert "Traceback" in broke["trace"]
    assert not {"message", "request"} & set(after)
    assert all(set(line) <= set(logs.FIELDS) for line in written(log))


def test_one_record_is_one_line_whatever_it_holds(log):
    logger = log("json")
    logger.info("first\nsecond \x1b[2J %s", "third\r\n")
    (line,) = written(log)
    assert line["text"].startswith("first\nsecond")


def test_a_line_that_cannot_be_put_together_is_told_of(log):
    logger = log("json")
    logger.info("%s and %s", *["one alone"])
    (line,) = written(log)
    assert "cannot be put together" in line["text"]


def test_a_line_does_not_grow_without_end(log):
    logger = log("json")
    logger.info("x" * 1_000_000)
    assert len(written(log)[0]["text"]) <= 16_000


def test_the_lines_of_the_server_go_the_same_way(log):
    from granian.log import LogLevels, configure_logging  # noqa: PLC0415 - the server's own set-up

    log("json")
    server = logging.getLogger("_granian")
    before = server.handlers[:], server.propagate, server.level
    try:
        configure_logging(LogLevels.info, dict(logs.GRANIAN))
        server.info("Listening for A123456(7)")
    finally:
        server.handlers[:], server.propagate, server.level = before
    (line,) = written(log)
    assert line["text"] == f"Listening for {IDENTITY}"
