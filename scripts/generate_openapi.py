"""Write `openapi.json`, which describes the HTTP API: `python -m scripts.generate_openapi`, with --check to compare."""

from __future__ import annotations

import json
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from taskforge.api.application import create_application
from taskforge.api.backend import ApiOptions
from taskforge.api.documentation import openapi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from taskforge.api.backend import Backend

FILE = Path(__file__).resolve().parent.parent / "openapi.json"


def description() -> str:
    """What the file has to say."""

    @asynccontextmanager
    async def nothing() -> AsyncIterator[Backend]:
        """It is described, never served."""
        backends: list[Backend] = []
        for backend in backends:
            yield backend

    application = create_application(nothing, ApiOptions(secret=b""))
    return json.dumps(openapi(application), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> int:
    """Write the file, or say whether it is up to date."""
    if "--check" in sys.argv[1:]:
        return 0 if FILE.read_text("utf-8") == description() else 1
    FILE.write_text(description(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
