"""Who opens the operator's pages; the node that they show is made in ``operations_node.py``."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from kouan.web.access import grant_role
from operations_node import declared, home, many, node, note  # noqa: F401 - fixtures


@pytest.fixture
def operator(db):
    user = User.objects.create_user("operator", password="not-a-real-one")  # noqa: S106 - a test's account
    grant_role(user=user, role="operator")
    return user


@pytest.fixture
def issuer(db):
    user = User.objects.create_user("issuer", password="not-a-real-one")  # noqa: S106 - a test's account
    grant_role(user=user, role="issuer")
    return user


@pytest.fixture
def page(client, operator):
    """Get a page as an operator."""
    client.force_login(operator)

    def get(path, **data):
        return client.get(path, data)

    return get
