"""An officer of the programme, and the records that tests read in."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from kouan.apps.programme.records import importing
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
def read_in(db):
    """Read a file of the tests' folder in, or a text of its own."""

    def run(name, text=None):
        path = RECORDS / name
        data = path.read_bytes() if text is None else text.encode()
        return importing.import_file(name=path.name, data=data, by="tests")

    return run
