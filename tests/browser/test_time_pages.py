"""The operator's pages about witnesses, time-stamps and comparisons, as a person meets them."""

from __future__ import annotations

from compared import compared  # noqa: F401 - a fixture
from operations_node import declared, home, node, note  # noqa: F401 - fixtures


def test_the_pages_are_accessible_and_fit(visit, compared, language):  # noqa: F811 - the fixture
    visitor = visit(language=language)
    visitor.sign_in("operator")
    visitor.open("/operations/ledger/")
    visitor.check("operations-ledger-witnessed")
    visitor.open("/operations/comparisons/")
    visitor.check("operations-comparisons")
    for state in ("differs", "agrees"):
        visitor.open(f"/operations/comparisons/{compared[state].run}/")
        visitor.check(f"operations-comparison-{state}")
