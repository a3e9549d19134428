"""Write the pages of the documentation that are made from the program: the API's description, the catalogue.

python tools/docs.py           writes them
python tools/docs.py check     fails if they would change
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import django

DOCS = Path(__file__).resolve().parent.parent / "docs"


def pages() -> dict[str, str]:
    """Return each page's name and text."""
    from kouan.api import api  # noqa: PLC0415 - needs Django's set-up
    from kouan.apps.operations.catalogue import catalogue_markdown  # noqa: PLC0415 - as above

    description = json.dumps(
        api.get_openapi_schema(path_prefix="/api/v1/"), indent=2, ensure_ascii=False, default=str
    )
    return {"openapi.json": description + "\n", "catalogue.md": catalogue_markdown()}


def main() -> int:
    """Write or compare; returns the exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kouan.settings")
    django.setup()
    stale = 0
    for name, text in pages().items():
        path = DOCS / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if sys.argv[1:] == ["check"]:
            print(f"docs/{name} is not what the program says: run `make docs`")
            stale = 1
        else:
            path.write_text(text, encoding="utf-8")
            print(f"docs/{name} is written")
    return stale


if __name__ == "__main__":
    sys.exit(main())
