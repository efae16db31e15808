"""What the pages name is there: commands with their options, settings, addresses of the HTTP API, targets of make."""

from __future__ import annotations

import json
import re
import shlex
from functools import cache
from typing import Any

import pytest
from typer import Context
from typer.main import get_command

from taskforge.cli.main import application
from taskforge.domain.access import ALIASES, Permission
from taskforge.settings import SETTINGS
from tests.architecture.source import ROOT
from tests.docs.pages import PAGES, text_of

ALL_PAGES = [*PAGES, ROOT / "CHANGELOG.md"]
COMMAND = re.compile(
    r"`((?:manage\.py )?taskforge [^`]+)`|^\s*\$ (?:\w+=\S+ )*taskforge [^\n]+$", re.MULTILINE
)
REQUEST = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (/[\w/{}.-]+)")
SETTING = re.compile(r"TASKFORGE_(?!TEST_)([A-Z_]+)")
TARGET = re.compile(r"`make ([a-z-]+)")
PERMISSION = re.compile(r"`([a-z_]+:(?:read|write|run|execute|unredact|create))`")
IN_GENERAL = ("/workers/{}/executions/{}/{}",)
"""Addresses that stand for several."""
OF_DJANGO = {"--backend"}


def pages_with(pattern: re.Pattern[str]) -> list[Any]:
    """The pages that have something of the kind, and what."""
    found = ((page, sorted({match[0] for match in pattern.finditer(text_of(page))})) for page in ALL_PAGES)
    return [pytest.param(texts, id=page.relative_to(ROOT).as_posix()) for page, texts in found if texts]


@cache
def operations() -> dict[str, set[str]]:
    """Methods by address, whose parts that vary have no names."""
    paths = json.loads((ROOT / "openapi.json").read_text("utf-8"))["paths"]
    return {
        re.sub(r"\{[^}]+\}", "{}", path): {method.upper() for method in told} for path, told in paths.items()
    }


@cache
def whole_command() -> Any:
    """`taskforge`; what is below it is made once."""
    return get_command(application)


def faults(words: list[str]) -> list[str]:
    """What of a command line is not there: a command, an option."""
    top = whole_command()
    node, skip = top, False
    names: list[str] = []
    found: list[str] = []
    for word in words:
        if skip:
            skip = False
        elif word in ("|", ">", "2>", "&&", "&"):
            break
        elif re.match(r"-{1,2}[a-z]", word):
            option, _, value = word.partition("=")
            known = [one for one in [*node.params, *top.params] if option in (*one.opts, *one.secondary_opts)]
            if not known and option not in OF_DJANGO | {"--help"}:
                found.append(f"{' '.join(names)} {option}")
            skip = bool(known) and not value and not getattr(known[0], "is_flag", False)
        elif hasattr(node, "get_command"):
            inner = node.get_command(Context(node), word.partition("|")[0])
            if inner is None:
                return found if word.isupper() or word == "..." else [*found, " ".join([*names, word])]
            node, names = inner, [*names, word]
    return found


@pytest.mark.parametrize("texts", pages_with(COMMAND))
def test_commands_are_there(texts: list[str]) -> None:
    for text in texts:
        line = re.sub(r"\$\([^()]*\)", "X", text.strip("` "))
        words = shlex.split(
            line[line.index("taskforge ") :].replace("'", "") if line.count("'") % 2 else line
        )
        assert faults([word.rstrip(",.;") or word for word in words[words.index("taskforge") + 1 :]]) == [], (
            text
        )


@pytest.mark.parametrize("texts", pages_with(REQUEST))
def test_operations_of_the_api_are_there(texts: list[str]) -> None:
    for text in texts:
        method, _, address = text.rstrip(".").partition(" ")
        plain = re.sub(r"\{[^}]+\}|(?<=/)[A-Z_]{2,}(?=/|$)", "{}", address).rstrip("/")
        known = operations().get(plain, set()) | operations().get(f"/api/v1{plain}", set())
        assert method in known or plain in IN_GENERAL, text


def test_settings_targets_and_permissions_are_there() -> None:
    settings = {setting.name for setting in SETTINGS}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    permissions = {permission.value for permission in Permission} | set(ALIASES)
    for page in ALL_PAGES:
        text = text_of(page)
        assert {name.lower().rstrip("_") for name in SETTING.findall(text)} - settings == set(), page
        assert set(TARGET.findall(text)) - targets == set(), page
        assert set(PERMISSION.findall(text)) - permissions == set(), page


def test_what_is_not_there_is_found() -> None:
    assert faults(["schedules", "pause"]) == ["schedules pause"]
    assert faults(["worker", "--no-such", "-c", "20", "tasks.py"]) == ["worker --no-such"]
    assert faults(["jobs|queues", "..."]) == []
    assert faults(["enqueue", "TASK", "--delay", "1h"]) == []
