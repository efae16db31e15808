"""What the project wants of its figures, as the first issue states it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from benchmarks.measures import GROWTH, MILLISECONDS, P50, P99, PEAK_MEMORY, PER_MINUTE, RATE


class Against(StrEnum):
    """What a bound is a multiple of."""

    NOTHING = "absolute"
    PEER = "peer"
    FLOOR = "floor"


@dataclass(frozen=True, slots=True)
class Aim:
    """A bound on our median of one figure, plain or as a multiple of the peer's or the floor's median."""

    database: str
    measure: str
    figure: str
    at_least: float | None = None
    at_most: float | None = None
    against: Against = Against.NOTHING

    def met(self, value: float) -> bool:
        """Whether the value (a ratio, unless the aim is absolute) is within the bound."""
        return (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )

    def __str__(self) -> str:
        sign, bound = (">=", self.at_least) if self.at_least is not None else ("<=", self.at_most)
        return f"{sign} {bound:,g}" + ("" if self.against is Against.NOTHING else f" x {self.against}")


POSTGRES, SQLITE = "postgres", "sqlite"
QUERIES_BELOW = 29.999

AIMS = (
    Aim(POSTGRES, "bulk", RATE, at_least=60_000),
    Aim(POSTGRES, "concurrent", RATE, at_least=15_000),
    Aim(POSTGRES, "sequential", RATE, at_least=1.0, against=Against.PEER),
    Aim(POSTGRES, "drain-one", RATE, at_least=1.3, against=Against.PEER),
    Aim(POSTGRES, "drain-two", RATE, at_least=1.2, against=Against.PEER),
    Aim(POSTGRES, "latency", P50, at_most=0.8, against=Against.PEER),
    Aim(POSTGRES, "latency", P99, at_most=0.8, against=Against.PEER),
    Aim(POSTGRES, "drain-one", PEAK_MEMORY, at_most=60),
    Aim(POSTGRES, "idle", PER_MINUTE, at_most=QUERIES_BELOW),
    Aim(POSTGRES, "claim", GROWTH, at_most=1.5),
    Aim(POSTGRES, "import", MILLISECONDS, at_most=60),
    Aim(SQLITE, "drain-one", RATE, at_least=5, against=Against.PEER),
    Aim(SQLITE, "concurrent", RATE, at_least=15_000),
    Aim(SQLITE, "sequential", RATE, at_least=0.5, against=Against.FLOOR),
    Aim(SQLITE, "sequential-blocking", RATE, at_least=0.5, against=Against.FLOOR),
    Aim(SQLITE, "latency-in-process", P50, at_most=2),
    Aim(SQLITE, "latency", P50, at_most=15),
    Aim(SQLITE, "idle", PER_MINUTE, at_most=QUERIES_BELOW),
    Aim(SQLITE, "claim", GROWTH, at_most=1.5),
    Aim(SQLITE, "import", MILLISECONDS, at_most=60),
)


def aim_for(database: str, measure: str, figure: str) -> Aim | None:
    """The aim for one line of the report."""
    wanted = (database, measure, figure)
    return next((aim for aim in AIMS if (aim.database, aim.measure, aim.figure) == wanted), None)
