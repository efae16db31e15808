"""What jobs require and prefer, matched against what workers can."""

from typing import Any

import pytest

from taskforge.domain.errors import InvalidInput
from taskforge.domain.requirements import (
    Requirements,
    abilities,
    check_capabilities,
    parse_requirements,
)
from taskforge.domain.worker import WorkerType

CAN = abilities(
    {"gpu": 2, "region": "id", "tags": ["a", "b"], "fast": True, "cuda": "12.4"}, WorkerType.GENERAL
)


@pytest.mark.parametrize(
    ("wish", "is_met"),
    [
        ({"gpu": ">=1"}, True),
        ({"gpu": ">= 2"}, True),
        ({"gpu": ">2"}, False),
        ({"gpu": 2}, True),
        ({"gpu": "2"}, True),
        ({"gpu": "!=3"}, True),
        ({"cuda": ">=12"}, True),
        ({"cuda": "==12.4"}, True),
        ({"region": "id"}, True),
        ({"region": ["sg", "id"]}, True),
        ({"region": ["sg", "my"]}, False),
        ({"region": ">=1"}, False),
        ({"tags": "b"}, True),
        ({"tags": "c"}, False),
        ({"fast": True}, True),
        ({"fast": "true"}, True),
        ({"fast": 1}, False),
        ({"fast": ">=1"}, False),
        ({"disk": "!=ssd"}, False),
        ({"type": "general"}, True),
        ({"type": "specialized_gpu"}, False),
        ({"gpu": ">=1", "region": "sg"}, False),
    ],
)
def test_what_is_required(wish: dict[str, Any], is_met: bool) -> None:
    assert (not Requirements(wish).unmet(CAN)) is is_met


def test_what_is_lacking_is_told_in_words() -> None:
    wishes = {"gpu": ">=4", "region": ["sg", "my"], "disk": "ssd", "type": "general"}
    assert Requirements(wishes).unmet(CAN) == ["gpu >=4", "region one of sg, my", "disk = ssd"]


def test_what_is_preferred_does_not_bar() -> None:
    found = Requirements({"gpu": ">=1"}, {"region": "sg"})
    assert (found.unmet(CAN), found.is_preferred(CAN)) == ([], False)
    assert found.is_preferred({"region": "sg"})


def test_equal_requirements_have_one_text() -> None:
    one, other = Requirements({"a": 1, "b": "x"}), Requirements({"b": "x", "a": 1})
    assert one.text == other.text
    assert one.text != Requirements({}, {"a": 1, "b": "x"}).text
    assert parse_requirements(one.text) == one


@pytest.mark.parametrize(
    "wishes",
    [
        ["gpu"],
        "gpu",
        {"": 1},
        {1: 1},
        {"gpu": None},
        {"gpu": {"n": 1}},
        {"gpu": []},
        {"gpu": [None]},
        {"gpu": ">=many"},
        {"gpu": float("nan")},
        {"x": "y" * 201},
        {f"c{n}": 1 for n in range(21)},
        {f"c{n}": "x" * 200 for n in range(20)},
    ],
)
def test_broken_wishes_are_refused(wishes: Any) -> None:
    with pytest.raises(InvalidInput) as raised:
        Requirements(wishes)
    assert (raised.value.field or "").startswith("requires")


@pytest.mark.parametrize("capabilities", [[], "gpu", None, {"": 1}, {"type": "x"}, {"a\n": 1}])
def test_broken_capabilities_are_refused(capabilities: Any) -> None:
    with pytest.raises(InvalidInput) as raised:
        check_capabilities(capabilities)
    assert raised.value.field == "capabilities"
