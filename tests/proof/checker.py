"""The judge: reads what handlers wrote down and what the database says, and finds what may not be.

Pure: it knows nothing of how the jobs were run. What is allowed is what docs/reliability.md promises.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from taskforge.domain.job import MAX_LOSSES, JobStatus
from tests.proof.app import MARK
from tests.proof.history import RESTARTED, Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.proof.history import Note
    from tests.proof.record import Evidence, ExecutionRecord, JobRecord

FINISHED = frozenset(status.value for status in JobStatus if status.is_finished)
SPENDS_NO_ATTEMPT = frozenset({"worker_lost", "released", "snoozed"})
LOST_LINE = "worker lost while running this job"
"""What is written to the log of a run whose worker was given up begins so."""
CLOCK_STEP = 0.002
"""Seconds by which two processes of a machine may read its clock in another order."""


class Fault(StrEnum):
    """What may not be."""

    LOST = "lost"
    OVERLAP = "overlap"
    STALE = "stale write"
    RECORD = "terminal record"
    UNEXPLAINED = "unexplained run"


class Violation(NamedTuple):
    """One finding."""

    fault: Fault
    job: str
    text: str


@dataclass
class Verdict:
    """The findings, and how much was looked at. `excused` overlaps were of a process that could not know."""

    violations: list[Violation] = field(default_factory=list)
    accepted: int = 0
    finished: int = 0
    runs: int = 0
    executions: int = 0
    losses: int = 0
    buried: int = 0
    kills: int = 0
    freezes: int = 0
    cuts: int = 0
    restarts: int = 0
    excused: int = 0

    def count(self, fault: Fault) -> int:
        """How many findings of a kind."""
        return sum(violation.fault is fault for violation in self.violations)

    def __str__(self) -> str:
        found = ", ".join(f"{fault} {self.count(fault)}" for fault in Fault)
        return (
            f"{self.accepted} accepted, {self.finished} finished ({self.buried} given up), {self.runs} runs, "
            f"{self.losses} losses; {self.kills} kills, {self.freezes} freezes, {self.cuts} cuts "
            f"({self.restarts} restarts of the server); {found}; "
            f"overlaps of cut-off processes {self.excused}"
        )


def total(verdicts: Iterable[Verdict]) -> Verdict:
    """All of them as one."""
    found = Verdict()
    for verdict in verdicts:
        for name in vars(verdict):
            setattr(found, name, getattr(found, name) + getattr(verdict, name))
    return found


def judge(evidence: Evidence) -> Verdict:
    """Look at everything. Jobs must have had the time to end."""
    return _Judge(evidence).verdict()


class _Judge:
    def __init__(self, evidence: Evidence) -> None:
        self.jobs = evidence.jobs
        self.deleted = evidence.deleted
        self.lines = evidence.lines
        self.notes = evidence.notes
        self.found = Verdict()
        self.executions: dict[str, list[ExecutionRecord]] = defaultdict(list)
        for execution in sorted(evidence.executions, key=lambda e: e.claim):
            self.executions[execution.job].append(execution)
        self.runs: dict[str, list[Note]] = defaultdict(list)
        self.ends: dict[str, Note] = {}
        for note in evidence.notes:
            if note.event == Event.START:
                self.runs[note.job].append(note)
            elif note.event in (Event.END, Event.STOP):
                self.ends[note.execution] = note
        self.troubles = _Troubles(evidence.notes)

    def verdict(self) -> Verdict:
        accepted = {note.job for note in self.notes if note.event == Event.ACCEPTED}
        for job_id in sorted(accepted - self.jobs.keys() - self.deleted):
            self._blame(Fault.LOST, job_id, "was accepted and is not in the database")
        for job_id in sorted((self.runs.keys() | self.executions.keys()) - self.jobs.keys() - self.deleted):
            self._blame(Fault.UNEXPLAINED, job_id, "ran and is not in the database")
        for job in self.jobs.values():
            self._judge_end(job)
            self._judge_records(job, self.executions[job.id])
            self._judge_runs(job, self.executions[job.id])
            self._judge_overlaps(job)
        self._judge_lines()
        counts = Counter(note.event for note in self.notes)
        self.found.accepted = len(accepted)
        self.found.runs = counts[Event.START]
        self.found.executions = sum(map(len, self.executions.values()))
        self.found.kills, self.found.freezes = counts[Event.KILLED], counts[Event.FROZEN]
        self.found.cuts = counts[Event.CUT]
        self.found.restarts = sum(note.what == RESTARTED for note in self.notes)
        return self.found

    def _blame(self, fault: Fault, job: str, text: str) -> None:
        self.found.violations.append(Violation(fault, job, text))

    def _judge_end(self, job: JobRecord) -> None:
        """Every accepted job ends, and for a reason."""
        if job.status not in FINISHED:
            self._blame(Fault.LOST, job.id, f"never ended: it is {job.status}")
            return
        self.found.finished += 1
        if job.status == "failed" and job.failure is None:
            reasons = Counter(execution.reason for execution in self.executions[job.id])
            spent = sum(count for reason, count in reasons.items() if reason not in SPENDS_NO_ATTEMPT)
            if reasons["worker_lost"] >= MAX_LOSSES:
                self.found.buried += 1
            elif spent < job.max_attempts:
                self._blame(Fault.LOST, job.id, f"was given up though attempts were left: {dict(reasons)}")

    def _judge_records(self, job: JobRecord, executions: list[ExecutionRecord]) -> None:
        """Each claim has one execution; one of them ends the job."""
        claims = [execution.claim for execution in executions]
        if claims != list(range(1, job.claims + 1)):
            self._blame(Fault.RECORD, job.id, f"was claimed {job.claims} times, the records are {claims}")
        if job.status in FINISHED and executions and job.execution != executions[-1].id:
            self._blame(Fault.RECORD, job.id, "its last execution is not the one that ended it")
        finals = [execution for execution in executions if execution.status in ("succeeded", "dead_letter")]
        if job.status == "succeeded" and finals != executions[-1:]:
            self._blame(Fault.RECORD, job.id, f"succeeded, with final records {finals}")
        if job.status != "succeeded" and any(execution.status == "succeeded" for execution in executions):
            self._blame(Fault.RECORD, job.id, f"is {job.status}, with a record of success")
        spent = sum(execution.reason not in SPENDS_NO_ATTEMPT for execution in executions)
        if job.status in FINISHED and job.attempts != spent:
            self._blame(Fault.RECORD, job.id, f"counts {job.attempts} attempts, its records {spent}")
        for before, after in pairwise(executions):
            if before.finished > after.claimed:
                self._blame(
                    Fault.OVERLAP, job.id, f"claim {after.claim} began before claim {before.claim} had ended"
                )
            if before.reason not in SPENDS_NO_ATTEMPT and before.status != "retry_scheduled":
                self._blame(
                    Fault.UNEXPLAINED,
                    job.id,
                    f"ran again after {before.status} ({before.reason or 'no reason'})",
                )
        for execution in executions:
            self._judge_execution(job, execution)

    def _judge_execution(self, job: JobRecord, execution: ExecutionRecord) -> None:
        if execution.reason == "worker_lost":
            self.found.losses += 1
            if not self.troubles.explain(execution.pid, execution.claimed, execution.finished):
                self._blame(
                    Fault.UNEXPLAINED,
                    job.id,
                    f"process {execution.pid} was well and lost claim {execution.claim}",
                )
        if execution.status == "succeeded":
            end = self.ends.get(execution.id)
            if end is None or end.event != Event.END:
                self._blame(
                    Fault.RECORD, job.id, f"execution {execution.id} succeeded without a run that ended"
                )
            if execution.run != execution.id:
                self._blame(Fault.STALE, job.id, f"{execution.id} has the result of {execution.run}")
            if job.run is not None and job.run != execution.id:
                self._blame(Fault.STALE, job.id, f"{execution.id} has the checkpoint of {job.run}")

    def _judge_runs(self, job: JobRecord, executions: list[ExecutionRecord]) -> None:
        """A handler ran only for a claim, and once for each."""
        known = {execution.id for execution in executions}
        if job.status not in FINISHED and job.execution is not None:
            known.add(job.execution)
        for execution, times in Counter(note.execution for note in self.runs[job.id]).items():
            if execution not in known:
                self._blame(Fault.UNEXPLAINED, job.id, f"a run {execution} that no record explains")
            if times > 1:
                self._blame(Fault.UNEXPLAINED, job.id, f"execution {execution} was run {times} times")

    def _judge_overlaps(self, job: JobRecord) -> None:
        """Two handlers of one job at a time: only when the process of the earlier claim could not know.

        One that was frozen between its claim and its handler may begin as the later of the two.
        """
        claims = {execution.id: execution for execution in self.executions[job.id]}
        runs = self.runs[job.id]
        for index, run in enumerate(runs):
            end = self.ends.get(run.execution)
            until = self.troubles.death(run.pid) if end is None else end.at
            for other in runs[index + 1 :]:
                if other.at < until:
                    former, claim = run, claims.get(run.execution)
                    latter = claims.get(other.execution)
                    if claim is not None and latter is not None and latter.claim < claim.claim:
                        former, claim = other, latter
                    since = run.at if claim is None else self.troubles.moment(claim.claimed)
                    if self.troubles.excuse(former.pid, since, other.at):
                        self.found.excused += 1
                    else:
                        self._blame(
                            Fault.OVERLAP,
                            job.id,
                            f"{run.execution} in process {run.pid} still ran when {other.execution} began",
                        )

    def _judge_lines(self) -> None:
        """A line stands in the log of the run that wrote it, and was written before that run's end.

        Who ends a lost run reads the clock first, then takes the job's row (which may take a while) and then writes a line of its own.
        """
        owners = {e.id: e for executions in self.executions.values() for e in executions}
        ends = {execution_id: execution.finished for execution_id, execution in owners.items()}
        for line in self.lines:
            if line.message.startswith(LOST_LINE) and line.execution in ends:
                ends[line.execution] = max(ends[line.execution], line.logged)
        for line in self.lines:
            if not line.message.startswith(MARK):
                continue
            execution = owners.get(line.execution)
            job = "" if execution is None else execution.job
            if line.message != MARK + line.execution:
                self._blame(Fault.STALE, job, f"the log of {line.execution} has a line of {line.message}")
            if execution is not None and line.logged > ends[line.execution] + CLOCK_STEP:
                self._blame(Fault.STALE, job, f"a line was added to {line.execution} after its end")


class _Troubles:
    """What befell which process. Process 0 stands for all."""

    def __init__(self, notes: list[Note]) -> None:
        self._deaths: dict[int, float] = {}
        self._pauses: dict[int, list[tuple[float, float]]] = defaultdict(list)
        self._skew = notes[0].wall - notes[0].at if notes else 0.0
        open_pauses: dict[tuple[int, str], list[float]] = defaultdict(
            list
        )  # several may befall one at a time
        for note in notes:
            if note.event == Event.KILLED:
                self._deaths[note.pid] = note.at
            elif note.event in (Event.FROZEN, Event.CUT):
                open_pauses[note.pid, note.event].append(note.at)
            elif note.event == Event.STALLED:
                self._pauses[note.pid].append((note.since, note.at))
            elif note.event in (Event.WOKEN, Event.HEALED):
                begun = Event.FROZEN if note.event == Event.WOKEN else Event.CUT
                begins = open_pauses[note.pid, begun]
                self._pauses[note.pid].append((begins.pop(0) if begins else note.at, note.at))
        for (pid, _), begins in open_pauses.items():
            self._pauses[pid] += [(since, float("inf")) for since in begins]

    def death(self, pid: int) -> float:
        """When it was killed, by the monotonic clock; never is infinity."""
        return self._deaths.get(pid, float("inf"))

    def moment(self, wall: float) -> float:
        """A moment of the day by the monotonic clock."""
        return wall - self._skew

    def explain(self, pid: int, claimed: float, finished: float) -> bool:
        """Whether something kept the process from renewing a lease between two moments of the day."""
        begin, end = self.moment(claimed), self.moment(finished)
        return self.death(pid) <= end + CLOCK_STEP or any(
            since <= end and until >= begin for since, until in self._paused(pid)
        )

    def excuse(self, pid: int, begin: float, end: float) -> bool:
        """Whether the process was out of touch at some time between two moments of the monotonic clock."""
        return any(since < end and until > begin for since, until in self._paused(pid))

    def _paused(self, pid: int) -> Iterator[tuple[float, float]]:
        yield from self._pauses[pid]
        yield from self._pauses[0]
