"""One question asked by many workers at one moment, on a database that they share."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import databases
from kouan.demo.nodes import establish, free_ports, node_environment

AT_ONCE = """
import json, threading
import django
django.setup()
from datetime import UTC, datetime
from django.db import connection, transaction
from kouan.apps.validation.answers import count_answers
from kouan.apps.validation.domain import Outcome
from kouan.apps.validation.errors import QuestionAsked
from kouan.apps.validation.models import AnsweredQuestion
from kouan.apps.validation.queries import Answer
ended, begin = [], threading.Barrier(8)
def answer():
    begin.wait()
    try:
        with transaction.atomic():
            count_answers(side="gd", answers=[(bytes(32), Answer(Outcome.UNKNOWN, datetime.now(UTC)))])
        ended.append("answered")
    except QuestionAsked:
        ended.append("asked before")
    except Exception as error:
        ended.append(repr(error))
    finally:
        connection.close()
threads = [threading.Thread(target=answer) for _ in range(8)]
for each in threads: each.start()
for each in threads: each.join()
print(json.dumps([sorted(ended), AnsweredQuestion.objects.count()]))
"""


@pytest.mark.timeout(120)
def test_a_question_is_answered_once_however_many_are_asked_it_at_once(tmp_path):
    ports = free_ports(2)
    with databases.of_nodes(tmp_path, "hk") as places:
        (node,) = establish(tmp_path, {"hk": (ports[0], ports[1])}, databases=places)
        done = subprocess.run(
            [sys.executable, "-c", AT_ONCE],
            env=node_environment(node),
            check=True,
            capture_output=True,
            text=True,
        )
        assert json.loads(done.stdout) == [["answered", *["asked before"] * 7], 1]
