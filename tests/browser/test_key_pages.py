"""The operator's pages about keys, as a person meets them."""

from __future__ import annotations

from operations_keys import eventful  # noqa: F401 - fixtures
from operations_node import declared, home, node, note  # noqa: F401 - fixtures


def test_the_pages_are_accessible_and_fit(visit, eventful, language):  # noqa: F811 - the fixture
    visitor = visit(language=language)
    visitor.sign_in("operator")
    visitor.open("/operations/keys/")
    visitor.check("operations-keys")
    visitor.open(f"/operations/keys/{eventful}/")
    visitor.check("operations-keys-compromised")
