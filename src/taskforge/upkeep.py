"""What a process with a database looks after beside its own work: one loop asks what there is to do, the others do it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from taskforge.ports.jobs import Chore
from taskforge.runtime.loops.alert import alert_loops
from taskforge.runtime.loops.compare import compare_loop
from taskforge.runtime.loops.record import once_a_minute, record_loops
from taskforge.runtime.loops.recover import recovery_loop, recovery_round
from taskforge.runtime.loops.retain import retention_loop
from taskforge.runtime.loops.seal import seal_loop
from taskforge.runtime.loops.turns import Turns
from taskforge.services.processes import this_machine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from taskforge.housekeeping import Housekeeping
    from taskforge.ports.jobs import Outlook
    from taskforge.runtime.loop import Loop

SAMPLE_TURN = 30.0
"""Less than a minute, so that a process that dies in its turn leaves no minute out."""

Heard = Callable[["Outlook"], None]


def upkeep(
    housekeeping: Housekeeping,
    noting: Callable[[Callable[[], Awaitable[object]]], Callable[[], Awaitable[object]]] | None = None,
) -> list[Loop]:
    """Of workers and servers. ``noting``, which servers give, goes around each round of recovery.

    Workers whose jobs Redis hands out ask in turns what there is to do, as often as one that is idle asks for jobs. A server
    always looks for itself: that it does is what it notes, and tells whoever asks whether it is ready.
    """
    platform, foundation = housekeeping.platform, housekeeping.platform.foundation
    settings, agreement, recording = foundation.settings, platform.agreement, foundation.recording
    turns = Turns(foundation.ready_queues if noting is None else None, platform.project_id)
    recovery, pruning, evaluating = housekeeping.recovery, housekeeping.pruning, housekeeping.evaluating
    folding, sampling = record_loops(recording.fold_all, turns.take("sample", SAMPLE_TURN, recording.sample))
    alerting, delivering = alert_loops(
        evaluating.look, lambda: evaluating.due_in, housekeeping.delivering.round
    )
    wake = {
        Chore.FOLD: folding.wake,
        Chore.SEAL: foundation.audit.scan_soon,
        Chore.ALERT: alerting.wake,
        Chore.DELIVER: delivering.wake,
    }
    interval = min(settings.recovery_interval_seconds, settings.alert_interval_seconds)
    comparing: list[Loop] = []
    hear = [once_a_minute(sampling.wake), pruning.hear]
    if agreement is not None:
        comparing.append(compare_loop(agreement.look, settings.poll_seconds))
        hear.append(_waking(agreement.concerns, comparing[0].wake))
        interval = min(interval, settings.poll_seconds)
    round = recovery_round(_telling(recovery.look, hear), recovery.sweep, wake)
    in_turn = turns.take(f"recover {this_machine()}", interval, round)
    keeping = settings.retention_interval_seconds
    return [
        recovery_loop(in_turn if noting is None else noting(round), interval),
        seal_loop(foundation.audit.seal_due),
        folding,
        sampling,
        alerting,
        delivering,
        retention_loop(turns.take("retain", keeping, _both(pruning.round, recording.forget)), keeping),
        *comparing,
    ]


def _telling(
    look: Callable[[], Awaitable[Outlook]], those_who_hear: Sequence[Heard]
) -> Callable[[], Awaitable[Outlook]]:
    async def look_and_tell() -> Outlook:
        outlook = await look()
        for hear in those_who_hear:
            hear(outlook)
        return outlook

    return look_and_tell


def _waking(concerns: Callable[[Outlook], bool], wake: Callable[[], None]) -> Heard:
    def hear(outlook: Outlook) -> None:
        if concerns(outlook):
            wake()

    return hear


def _both(
    first: Callable[[], Awaitable[object]], second: Callable[[], Awaitable[object]]
) -> Callable[[], Awaitable[None]]:
    async def one_after_the_other() -> None:
        await first()
        await second()

    return one_after_the_other


def least_upkeep(housekeeping: Housekeeping) -> list[Loop]:
    """Of schedulers and autoscalers that are alone in their process."""
    foundation, recovery = housekeeping.platform.foundation, housekeeping.recovery
    audit, interval = foundation.audit, foundation.settings.recovery_interval_seconds
    round = recovery_round(recovery.look, recovery.sweep, {Chore.SEAL: audit.scan_soon})
    return [recovery_loop(round, interval), seal_loop(audit.seal_due)]
