from __future__ import annotations

PAGES = {
    "home": "/",
    "sign-in": "/sign-in",
    "accessibility": "/accessibility",
    "not-found": "/no-such-page",
}


def test_base_pages_are_accessible_and_fit(visit, language, width):
    visitor = visit(language=language, width=width)
    for name, path in PAGES.items():
        visitor.open(path)
        visitor.check(name)
