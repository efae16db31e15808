"""What a worker is told when it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from taskforge.domain.bounds import RESULT_BYTES
from taskforge.domain.worker import WorkerType
from taskforge.runtime.worker.processes.options import ProcessOptions
from taskforge.sdk.hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskforge.domain.worker import ProcessIdentity
    from taskforge.runtime.worker.meter import Meter
    from taskforge.runtime.worker.spans import Spans
    from taskforge.sdk.context import Locking


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """Name and limits of one worker; all times are seconds.

    ``grace`` is how long running handlers may go on after a drain was asked for. ``stop_grace`` is how
    long one that was told to stop (timeout, cancel, drain) may take before it is reported without its end.
    ``capture_level`` is the least level of stdlib logging that goes to an execution's log; None: none does.
    ``capture_output`` sends what a task prints there as well. A result may have ``result_bytes`` as JSON.
    ``locking`` holds locks for async tasks; None: there are none. ``hooks`` are the application's. ``meter`` counts what
    Prometheus is told; None: nobody asks. ``spans`` are told to OpenTelemetry; None: it is not used.
    """

    name: str
    queues: Sequence[str]
    process: ProcessIdentity
    concurrency: int = 10
    type: WorkerType = WorkerType.GENERAL
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""
    grace: float = 30.0
    stop_grace: float = 5.0
    capture_level: int | None = 20
    capture_output: bool = True
    result_bytes: int = RESULT_BYTES
    processes: ProcessOptions = field(default_factory=ProcessOptions)
    locking: Locking | None = None
    hooks: Hooks = field(default_factory=Hooks)
    meter: Meter | None = None
    spans: Spans | None = None
