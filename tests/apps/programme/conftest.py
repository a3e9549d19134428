"""An officer of the programme, and the records that tests read in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from kouan.apps.programme.records import importing, rules
from kouan.apps.programme.records.reading import dictionary
from kouan.web.access import grant_role

RECORDS = Path(__file__).parent / "records"


@pytest.fixture
def officer(db):
    user = User.objects.create_user("programme-officer")
    grant_role(user=user, role="programme")
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def own_words(settings, tmp_path):
    """Return a way to change the node's own dictionary, as an operator does between two starts."""
    settings.NODE = replace(settings.NODE, home=tmp_path)
    (tmp_path / "programme").mkdir()

    def write(name, text):
        (tmp_path / "programme" / f"{name}.toml").write_text(text, encoding="utf-8")
        forget()

    def forget():
        dictionary.load.cache_clear()
        rules._rules.cache_clear()

    forget()
    yield write
    forget()


@pytest.fixture
def read_in(db):
    """Read a file of the tests' folder in, or a text of its own."""

    def run(name, text=None):
        path = RECORDS / name
        data = path.read_bytes() if text is None else text.encode()
        return importing.import_file(name=path.name, data=data, by="tests")

    return run
