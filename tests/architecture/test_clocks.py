"""Who may look at the time of day: leases, timeouts and pauses are measured by clocks that nobody sets."""

import ast

from tests.architecture.source import modules, name_of, parsed

MEASURING = ("runtime/", "services/", "domain/", "coordination/")
TIME_OF_DAY = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow")}
REASONS = {
    "runtime/worker/spans.py": "a span tells its begin and its end by the time of day",
    "runtime/worker/executor.py": "the deadline that a handler is shown; it is kept by the monotonic clock",
    "runtime/worker/recorder.py": "when a line was logged, for people",
    "runtime/worker/usage.py": "how old its process is, of which the system tells when it began",
    "runtime/liveness.py": "the time of a file, which is the time of day",
    "runtime/supervisor.py": "what its children say of their claims, as the times of files",
    "services/health.py": "how far this clock is from the database's",
    "services/submission.py": "a limit given in seconds, of a caller whose time is all that is known",
}
"""The only ones, and why."""


def test_time_is_measured_by_the_monotonic_clock() -> None:
    found = {
        name_of(path)
        for path in modules()
        if name_of(path).startswith(MEASURING)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in TIME_OF_DAY
    }
    assert found <= REASONS.keys()
