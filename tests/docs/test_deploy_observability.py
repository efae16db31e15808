"""The files for Prometheus and Grafana name metrics and labels that exist."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from prometheus_client.core import HistogramMetricFamily

from taskforge.domain.error_group import ErrorStatus
from taskforge.domain.worker import WorkerStatus
from taskforge.services.exposition import (
    _build,
    _of_attempts,
    _of_errors,
    _of_queues,
    _of_scheduler,
    _of_workers,
)
from tests.architecture.source import ROOT
from tests.unit.runtime.test_meter import metered

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = yaml.safe_load((ROOT / "deploy/prometheus/taskforge.rules.yml").read_text("utf-8"))
BOARD = json.loads((ROOT / "deploy/grafana/taskforge.json").read_text("utf-8"))
NAME = re.compile(r"\b(?:taskforge|process)_[a-z_]+\b")
SELECTOR = re.compile(r"\b(taskforge_[a-z_]+)\{([^}]*)\}")
STATUSES: dict[str, set[str]] = {
    "taskforge_queue_jobs": {"ready", "held", "scheduled", "processing"},
    "taskforge_executions_total": {"succeeded", "failed", "cancelled"},
    "taskforge_workers": {status.value for status in WorkerStatus},
    "taskforge_error_groups": {status.value for status in ErrorStatus},
}


def _labels() -> dict[str, set[str]]:
    """All metrics by the names of their samples, with their labels."""
    families = [
        *_of_queues([]),
        *_of_attempts({}, [], []),
        *_of_workers([]),
        _of_errors([]),
        _of_scheduler(0),
        _build(),
    ]
    found: dict[str, set[str]] = {"process_cpu_seconds_total": set()}
    for family in [*families, *metered()._families()]:
        ends = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
        labels: tuple[str, ...] = getattr(family, "_labelnames", ())
        for end in ends:
            extra = {"le"} if isinstance(family, HistogramMetricFamily) and end == "_bucket" else set()
            found[family.name + end] = {*labels, *extra}
    return found


def _expressions() -> Iterator[str]:
    for group in RULES["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    for panel in BOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from (variable["query"]["query"] for variable in BOARD["templating"]["list"][1:])


@pytest.mark.parametrize("expression", list(_expressions()))
def test_every_metric_and_label_that_is_named_exists(expression: str) -> None:
    labels = _labels()
    named = set(NAME.findall(expression))
    assert named <= labels.keys()
    for name, selector in SELECTOR.findall(expression):
        for label, values in re.findall(r'(\w+)=~?"([^"]*)"', selector):
            assert label in labels[name] | {"job", "instance"}, (name, label)
            if label == "status":
                assert set(values.split("|")) <= STATUSES[name]


def test_names_follow_the_conventions() -> None:
    for name, labels in _labels().items():
        assert re.fullmatch(r"(taskforge|process)_[a-z]+(_[a-z]+)*", name)
        assert not name.endswith(("_ms", "_milliseconds", "_us", "_minutes"))
        assert labels <= {"organization", "project", "queue", "task", "status", "version", "le"}


def test_rules_and_panels_are_whole() -> None:
    rules: list[dict[str, Any]] = [rule for group in RULES["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert {"alert", "expr", "labels", "annotations"} <= rule.keys()
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"].endswith(".")
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    for panel in BOARD["panels"]:
        assert panel["targets"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
