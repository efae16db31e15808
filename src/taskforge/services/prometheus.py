"""The exposition format of Prometheus, by its official client library (the extra ``prometheus``)."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from taskforge.domain.errors import InvalidSetting

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client import Metric

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""The upper ends of the buckets of histograms, in seconds."""


def check_installed() -> None:
    """Raises InvalidSetting when the client library is missing."""
    if find_spec("prometheus_client") is None:
        raise InvalidSetting(
            "telling metrics to Prometheus needs its client library",
            field="prometheus",
            hint="pip install 'taskforge-jobs[prometheus]'",
        )


def expose(families: Iterable[Metric], accept: str | None = None) -> tuple[bytes, str]:
    """The families, and those of this process, in the format that ``accept`` asks for; and its media type.

    Raises InvalidSetting when the client library is missing.
    """
    check_installed()
    from prometheus_client import CollectorRegistry, ProcessCollector
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.registry import Collector

    class Given(Collector):
        def collect(self) -> Iterable[Metric]:
            return families

        def describe(self) -> Iterable[Metric]:
            return ()

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Given())
    ProcessCollector(registry=registry)
    encode, media_type = choose_encoder(accept or "")
    return encode(registry), media_type


def buckets(at_most: Sequence[int], count: int) -> list[tuple[str, float]]:
    """The buckets of a histogram: how many values are at most each of `BOUNDS`, and all."""
    ends = [
        (f"{bound:g}" if bound % 1 else f"{bound:.1f}", seen)
        for bound, seen in zip(BOUNDS, at_most, strict=True)
    ]
    return [*((end, float(seen)) for end, seen in ends), ("+Inf", float(count))]
