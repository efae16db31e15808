"""Turns: claims are divided as the weights, nothing waits while somebody has room, nobody waits for who does not come."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from taskforge.domain.assignment import Rival
from taskforge.domain.balancing import Plan
from taskforge.domain.turns import PATIENCE_US, Turns

KIND = "kind"


class Line:
    """A queue whose workers claim from it. The state goes through JSON, as it does in a database."""

    def __init__(self, weights: Mapping[str, int], *, slots: int = 1000, strategy: str = "weighted") -> None:
        plan = Plan.of(strategy, [Rival(name, weight, True) for name, weight in weights.items()])
        assert plan is not None
        self.plan = plan
        self.present: dict[str, tuple[str, int]] = {name: (name, slots) for name in weights}
        self.kept: Any = None
        self.now = 10**15
        self.waiting = 0
        self.running: Counter[str] = Counter()
        self.claimed: Counter[str] = Counter()
        self.news = False

    def claim(self, worker: str, free: int | None = None, *, kind: str = KIND) -> int:
        """What a worker gets that asks, with all its free slots or so many."""
        if free is None:
            free = self.present[worker][1] - self.running[worker]
        if free <= 0:
            return 0
        turns = Turns(self.plan, self.kept, self.present, worker, kind, self.now)
        part = turns.ask(free, self.waiting)
        assert 0 <= part <= free
        got = min(part, self.waiting)
        self.news = turns.close(got, free - got)
        self.ask_again_at = turns.ask_again_at
        self.kept = msgspec.json.decode(msgspec.json.encode(turns.to_json()))
        self.waiting -= got
        self.running[worker] += got
        self.claimed[worker] += got
        return got

    def end(self, worker: str, jobs: int | None = None) -> None:
        """Jobs of a worker end."""
        self.running[worker] -= self.running[worker] if jobs is None else jobs


def test_a_thousand_claims_come_out_as_the_weights() -> None:
    line = Line({"a": 3, "b": 1})
    for number in range(1000):
        line.waiting += 1
        for worker in ("ab", "ba")[number % 2]:
            line.claim(worker)
    assert line.waiting == 0
    assert abs(line.claimed["a"] - 750) <= 1


def test_turns_are_spread_evenly() -> None:
    line, order = Line({"a": 3, "b": 1}), ""
    for _ in range(8):
        line.waiting = 1
        for worker in "ab":
            order += worker * line.claim(worker)
    assert order[2:] in ("aabaab", "abaaab", "baaaba")


def test_a_burst_is_divided_whoever_comes_first() -> None:
    for first, second in ("ab", "ba"):
        line = Line({"a": 3, "b": 1})
        line.claim("a"), line.claim("b")
        line.waiting = 400
        line.claim(first), line.claim(second)
        assert (line.claimed["a"], line.claimed["b"], line.waiting) == (300, 100, 0)


def test_with_more_jobs_than_room_capacity_decides() -> None:
    line = Line({"a": 100, "b": 1}, slots=10)
    line.claim("a"), line.claim("b")
    line.waiting = 500
    assert (line.claim("b"), line.claim("a")) == (10, 10)


def test_a_full_worker_yields_at_once_and_comes_back_without_credit() -> None:
    line = Line({"a": 3, "b": 1}, slots=40)
    line.claim("b")
    line.waiting = 40
    assert (line.claim("a"), line.claim("b")) == (30, 10)
    line.waiting = 40
    assert (line.claim("a"), line.claim("b")) == (10, 30)  # all that a has room for
    for _ in range(100):
        line.end("b", 1)
        line.waiting += 1
        assert line.claim("b") == 1
    line.end("a")
    line.end("b")
    line.claim("a"), line.claim("b")
    before = line.claimed.copy()
    for _ in range(40):
        line.waiting += 1
        for worker in "ba":
            line.claim(worker)
    assert abs((line.claimed - before)["a"] - 30) <= 1


def test_nobody_waits_longer_than_half_a_second_for_who_does_not_come() -> None:
    line = Line({"a": 1, "b": 100})
    line.claim("a"), line.claim("b")
    line.waiting = 1
    assert line.claim("a") == 0
    assert line.news  # b should hear of it
    assert line.ask_again_at == line.now + PATIENCE_US
    line.now += PATIENCE_US - 1
    assert line.claim("a") == 0
    assert not line.news
    line.now += 1
    assert line.claim("a") == 1
    line.waiting = 50
    assert line.claim("a") == 50  # b has no turns until it asks


def test_who_drains_or_is_lost_has_no_turns() -> None:
    line = Line({"a": 1, "b": 100})
    line.claim("a"), line.claim("b")
    del line.present["b"]
    line.waiting = 3
    assert line.claim("a") == 3


def test_workers_that_know_other_types_do_not_wait_for_each_other() -> None:
    line = Line({"a": 1, "b": 100})
    line.claim("a"), line.claim("b", kind="other")
    line.waiting = 3
    assert line.claim("a") == 3


def test_a_newcomer_takes_its_part_and_no_more() -> None:
    line = Line({"a": 1, "b": 1})
    for _ in range(500):
        line.waiting += 1
        line.claim("a")
    for _ in range(100):
        line.waiting += 1
        for worker in "ab":
            line.claim(worker)
    assert abs(line.claimed["b"] - 50) <= 1


def test_the_least_loaded_is_next() -> None:
    line = Line({"a": 1, "b": 1}, slots=10, strategy="least_loaded")
    line.claim("a"), line.claim("b")
    line.waiting = 6
    line.claim("a", 10), line.claim("b")
    assert (line.running["a"], line.running["b"]) == (3, 3)
    line.end("b", 3)
    line.claim("b")
    line.waiting = 3
    line.claim("a"), line.claim("b")
    assert (line.running["a"], line.running["b"]) == (3, 3)


weights = st.lists(st.integers(1, 100), min_size=2, max_size=5)


@settings(max_examples=20)
@given(weights, st.lists(st.integers(1, 9), min_size=5, max_size=25), st.randoms(use_true_random=False))
def test_shares_are_those_of_the_weights_while_all_have_room(
    parts: list[int], arrivals: list[int], random: Any
) -> None:
    line = Line({f"w{number}": weight for number, weight in enumerate(parts)}, slots=10**6)
    names = list(line.present)
    for name in names:
        line.claim(name)
    for arrival in arrivals:
        line.waiting += arrival
        for name in random.sample(names, len(names)):
            line.claim(name)
        assert line.waiting == 0
    total = sum(arrivals)
    for name, weight in zip(names, parts, strict=True):
        assert abs(line.claimed[name] - total * weight / sum(parts)) <= len(parts)


@given(
    weights,
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4), st.integers(0, 10)), max_size=60),
    st.sampled_from(["weighted", "least_loaded"]),
)
def test_nothing_waits_while_somebody_has_room(
    parts: list[int], steps: list[tuple[int, int, int]], strategy: str
) -> None:
    """Half a second after whatever happened, everybody who asks having asked."""
    line = Line({f"w{n}": weight for n, weight in enumerate(parts)}, slots=8, strategy=strategy)
    names = list(line.present)
    for arrival, who, ended in steps:
        name = names[who % len(names)]
        line.waiting += arrival
        line.end(name, min(ended, line.running[name]))
        line.claim(name)
    asking = names[1:]  # the first has vanished
    for _ in range(2):
        line.now += PATIENCE_US
        for name in asking:
            line.claim(name)
    assert line.waiting == 0 or all(line.running[name] == 8 for name in asking)
