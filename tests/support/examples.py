"""Runs a web application of `examples/` in this process."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2

from tests.architecture.source import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import ModuleType

    import pytest

SECRET = "k7Qw2ZrT9xLmB4vN8sPd3HfJ6yUaC1eG5oXiRtYb"


def example(folder: str, url: str, monkeypatch: pytest.MonkeyPatch, **environment: str) -> ModuleType:
    """The module `main` of an example, imported anew for this database."""
    for name, value in {"TASKFORGE_DATABASE_URL": url, "TASKFORGE_SECRET_KEY": SECRET, **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(ROOT / "examples" / folder))
    path = ROOT / "examples" / folder / "main.py"
    spec = importlib.util.spec_from_file_location(f"example_{folder}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@asynccontextmanager
async def visited(web: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """A visitor of a web application, from its start to its end."""
    async with web.router.lifespan_context(web):
        transport = httpx2.ASGITransport(app=web, client=("127.0.0.1", 4711))
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as visitor:
            yield visitor
