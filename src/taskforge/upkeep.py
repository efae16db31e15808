"""What a process with a database looks after beside its own work: one loop asks what there is to do, the others do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.ports.jobs import Chore
from taskforge.runtime.loops.alert import alert_loops
from taskforge.runtime.loops.compare import compare_loop
from taskforge.runtime.loops.record import record_loops
from taskforge.runtime.loops.recover import recovery_loop, recovery_round
from taskforge.runtime.loops.retain import retention_loop
from taskforge.runtime.loops.seal import seal_loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from taskforge.platform import Platform
    from taskforge.runtime.loop import Loop
    from taskforge.settings import Settings


def upkeep(
    platform: Platform,
    settings: Settings,
    noting: Callable[[Callable[[], Awaitable[object]]], Callable[[], Awaitable[object]]] | None = None,
) -> list[Loop]:
    """Of workers and servers. ``noting`` goes around each round of recovery."""
    recovery, recording, evaluating = platform.recovery, platform.recording, platform.evaluating
    folding, sampling = record_loops(recording.fold_all, recording.sample)
    alerting, delivering = alert_loops(evaluating.look, lambda: evaluating.due_in, platform.delivering.round)
    wake = {
        Chore.FOLD: folding.wake,
        Chore.SEAL: platform.audit.scan_soon,
        Chore.ALERT: alerting.wake,
        Chore.DELIVER: delivering.wake,
    }
    round = recovery_round(recovery.look, recovery.sweep, wake)
    interval = min(settings.recovery_interval_seconds, settings.alert_interval_seconds)
    loops = [
        recovery_loop(round if noting is None else noting(round), interval),
        seal_loop(platform.audit.seal_due),
        folding,
        sampling,
        alerting,
        delivering,
        retention_loop(platform.pruning.round, settings.retention_interval_seconds),
    ]
    if platform.agreement is not None:
        loops.append(compare_loop(platform.agreement.round, settings.poll_seconds))
    return loops


def least_upkeep(platform: Platform, settings: Settings) -> list[Loop]:
    """Of schedulers and autoscalers that are alone in their process."""
    recovery, audit = platform.recovery, platform.audit
    round = recovery_round(recovery.look, recovery.sweep, {Chore.SEAL: audit.scan_soon})
    return [recovery_loop(round, settings.recovery_interval_seconds), seal_loop(audit.seal_due)]
