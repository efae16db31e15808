"""Bodies of some length are read in a quicker way, which has to see the same traps as the careful one."""

import json
from typing import Any

import pytest

from taskforge.api import bodies
from taskforge.domain.errors import TaskforgeError

TRAPS = {
    "a member twice": '{"a": 1, "b": {"c": 1, "c": 1}}',
    "a member twice, colons in texts": '{"a:": ":", "a:": "::"}',
    "not a number": "[NaN]",
    "infinite": "[-Infinity]",
    "no float holds it": "[1e999]",
    "too many digits": f"[{'7' * 5000}]",
    "not JSON": "[1,]",
    "more than one": "[1] [2]",
    "a control character": '["\x01"]',
    "a lone surrogate": '["\\ud800"]',
    "a NUL": '["\\u0000"]',
    "too deep": "[" * 70 + "]" * 70,
}
VALUES: dict[str, Any] = {
    "plain": {"a": [1, 2.5, -0.0, True, None, "x:y"], "b": {"c": {}, "d": []}},
    "large numbers": [2**63, -(2**70), 1e308, 5e-324],
    "other letters": {"\N{SNOWMAN}:": "\N{GRINNING FACE}", "": ""},
    "escapes": {'quote " : \\': "line\nline"},
}


def padded(text: str) -> bytes:
    """The same JSON, long enough."""
    return (text + " " * bodies.LONG_BODY).encode()


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS)
def test_a_trap_in_a_long_body_is_told_as_in_a_short_one(trap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TaskforgeError) as quick:
        bodies.parse(padded(trap))
    monkeypatch.setattr(bodies, "LONG_BODY", 1 << 30)
    with pytest.raises(TaskforgeError) as careful:
        bodies.parse((trap + " " * 4096).encode())
    assert (type(quick.value), quick.value.message) == (type(careful.value), careful.value.message)


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_a_long_body_is_the_value_that_it_says(value: Any) -> None:
    found = bodies.parse(padded(json.dumps(value, ensure_ascii=False)))
    assert json.dumps(found) == json.dumps(value)  # where 1 and 1.0 differ, and 0.0 and -0.0
