"""Every repetition of every figure, and the lines that the report makes of them."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from benchmarks.aims import Against, aim_for


@dataclass(frozen=True, slots=True)
class Line:
    """One figure: every repetition by contender, our ratio to the peer, and the aim."""

    database: str
    measure: str
    figure: str
    samples: dict[str, list[float]]
    ratio: float | None
    aim: str | None
    met: bool | None

    def median(self, contender: str) -> float | None:
        values = self.samples.get(contender)
        return statistics.median(values) if values else None


@dataclass(slots=True)
class Samples:
    """Collects in the order of the run; the first contender named is ours."""

    database: str
    ours: str
    peer: str
    floor: str
    _values: dict[tuple[str, str], dict[str, list[float]]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def add(self, measure: str, contender: str, figures: dict[str, float]) -> None:
        for figure, value in figures.items():
            self._values.setdefault((measure, figure), {}).setdefault(contender, []).append(value)

    def lines(self) -> list[Line]:
        return [self._line(measure, figure, by) for (measure, figure), by in self._values.items()]

    def _line(self, measure: str, figure: str, by: dict[str, list[float]]) -> Line:
        medians = {contender: statistics.median(values) for contender, values in by.items()}
        mine = medians.get(self.ours)
        ratio = _divide(mine, medians.get(self.peer))
        aim = aim_for(self.database, measure, figure)
        if aim is None:
            return Line(self.database, measure, figure, by, ratio, None, None)
        judged = {
            Against.NOTHING: mine,
            Against.PEER: ratio,
            Against.FLOOR: _divide(mine, medians.get(self.floor)),
        }[aim.against]
        met = None if judged is None else aim.met(judged)
        return Line(self.database, measure, figure, by, ratio, str(aim), met)


def _divide(value: float | None, by: float | None) -> float | None:
    return None if value is None or not by else value / by
