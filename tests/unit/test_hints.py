"""What mends an error is said in the language of who asks."""

import ast
import re
from pathlib import Path

import pytest

import taskforge
from taskforge.api.hints import HINTS, hint_in

SOURCE = Path(taskforge.__file__).parent
FOLDERS = ("api", "domain", "services")
"""Where errors are raised that the API answers with."""
NOT_ANSWERED = {"server.py", "origins.py", "prometheus.py"}
WITHOUT_WORDS = re.compile(
    r"taskforge [a-z -]+(\{\} [a-z_=0-9]+)?|[\dT:,.Z+/-]+|https://\S+|\{\}|use datetime\.now.*|TASKFORGE_SECRET_KEY: \{\}"
)
"""Commands, examples of values and of code."""


def hints() -> dict[str, str]:
    """Every hint as it stands in the code, ``{}`` for its values, and the file that it stands in."""
    found: dict[str, str] = {}
    for folder in FOLDERS:
        for path in (SOURCE / folder).rglob("*.py"):
            if path.name in NOT_ANSWERED:
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.keyword) and node.arg == "hint":
                    found |= dict.fromkeys(texts(node.value), path.name)
    return found


def texts(node: ast.expr) -> list[str]:
    """What an expression says, where it stands in the code."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)]
    if isinstance(node, ast.IfExp):
        return texts(node.body) + texts(node.orelse)
    return []


def test_every_hint_of_the_api_is_translated() -> None:
    found = hints()
    assert len(found) > 80
    missing = {
        text: file for text, file in found.items() if text not in HINTS and not WITHOUT_WORDS.fullmatch(text)
    }
    assert missing == {}


def test_translations_take_the_same_values() -> None:
    for english, indonesian in HINTS.items():
        assert english.count("{}") == indonesian.count("{}"), english
        assert indonesian.strip(), english


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        ("log in again", "masuk lagi"),
        ("did you mean mail or mails?", "maksud Anda mail or mails?"),
        (
            "raise burst of the queue, or give the job at most 9",
            "naikkan burst antrean, atau beri job paling banyak 9",
        ),
        ('such as {"gpu": 2, "region": "id"}', 'misalnya {"gpu": 2, "region": "id"}'),
        ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"),
    ],
)
def test_a_hint_in_indonesian(hint: str, said: str) -> None:
    assert hint_in(hint, "id") == said
    assert hint_in(hint, "en") == hint
