"""Names and patterns of workers, and which assignment of a queue holds for a worker."""

import pytest

from taskforge.domain.assignment import Rival, check_weight, check_worker_name, deciding, matches, weight_of
from taskforge.domain.balancing import Plan
from taskforge.domain.errors import InvalidInput
from taskforge.domain.queue import Strategy


@pytest.mark.parametrize(
    ("pattern", "name", "is_meant"),
    [
        ("gpu-1", "gpu-1", True),
        ("gpu-1", "gpu-11", False),
        ("gpu-*", "gpu-", True),
        ("gpu-*", "gpu-1-2", True),
        ("gpu-?", "gpu-1", True),
        ("gpu-?", "gpu-12", False),
        ("*", "anything\nat all", True),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("[ab]", "[ab]", True),
        ("*a*a*a*a*b", "a" * 90, False),
    ],
)
def test_patterns(pattern: str, name: str, is_meant: bool) -> None:
    assert matches(pattern, name) is is_meant


def test_the_closest_assignment_decides() -> None:
    every, some, own = Rival("*", 1, True), Rival("gpu-*", 5, True), Rival("gpu-1", 9, False)
    found = [every, some, own]
    assert [deciding(found, name) for name in ("gpu-1", "gpu-2", "cpu")] == [own, some, every]
    assert [weight_of(found, name) for name in ("gpu-1", "gpu-2", "cpu")] == [None, 5, 1]
    assert weight_of([own], "cpu") is None
    assert deciding([Rival("a*", 1, True), Rival("*b", 2, True)], "ab") == Rival("*b", 2, True)


def test_what_the_gate_of_a_queue_keeps() -> None:
    rivals = [Rival("gpu-*", 5, True)]
    assert Plan.of(None, []) is None
    assert Plan.of("first_free", []) is None
    plan = Plan.of(None, rivals)
    assert plan is not None
    assert (plan.strategy, plan.weight("gpu-1"), plan.weight("w")) == (Strategy.WEIGHTED, 5, None)
    assert Plan.parse(plan.to_json()) == plan
    first = Plan.of("first_free", rivals)
    assert first is not None
    assert first.strategy is Strategy.FIRST_FREE
    open_to_all = Plan.of("least_loaded", [])
    assert open_to_all is not None
    assert (open_to_all.rivals, open_to_all.weight("w")) == (None, 1)
    assert Plan.parse(open_to_all.to_json()) == open_to_all


@pytest.mark.parametrize("weight", [0, 101, -1, 1.5, True, "3", None])
def test_weights_are_whole_numbers_from_1_to_100(weight: object) -> None:
    with pytest.raises(InvalidInput, match="from 1 to 100"):
        check_weight(weight)


@pytest.mark.parametrize("name", ["", " w", "w\n", "x" * 101])
def test_names_are_such_as_workers_have(name: str) -> None:
    with pytest.raises(InvalidInput):
        check_worker_name(name)
