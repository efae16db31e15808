"""The judge finds each thing that may not be: every history here is made up, and all but the first are bad."""

from __future__ import annotations

from typing import Any

import pytest

from tests.proof.app import MARK
from tests.proof.checker import LOST_LINE, Fault, Verdict, judge
from tests.proof.history import Event, Note
from tests.proof.record import Evidence, ExecutionRecord, JobRecord, LineRecord

DAY = 1_800_000_000.0
"""What the wall clock is ahead of the monotonic one in these histories."""


class Made:
    """A history: one job, run by process 11, killed, then run by process 12 to its end."""

    def __init__(self) -> None:
        self.notes = [
            self.note(Event.ACCEPTED, 1, 0.0, job="j"),
            self.note(Event.START, 11, 1.1, job="j", execution="a", attempt=1),
            self.note(Event.KILLED, 11, 1.5),
            self.note(Event.START, 12, 2.1, job="j", execution="b", attempt=1),
            self.note(Event.END, 12, 2.5, job="j", execution="b", attempt=1),
        ]
        self.jobs = {"j": JobRecord("j", "succeeded", 1, 1, 2, "b", "b")}
        self.executions = [
            ExecutionRecord("a", "j", "failed", "worker_lost", 1, 1, DAY + 1.0, DAY + 1.9, None, 11),
            ExecutionRecord("b", "j", "succeeded", None, 1, 2, DAY + 2.0, DAY + 2.6, "b", 12),
        ]
        self.lines = [
            LineRecord("b", MARK + "b", DAY + 2.2),
            LineRecord("a", f"{LOST_LINE} (1 of 3 losses)", DAY + 1.9),
        ]

    @staticmethod
    def note(event: Event, pid: int, at: float, **more: Any) -> Note:
        return Note(event, pid, at, DAY + at, **more)

    def job(self, **changes: Any) -> None:
        self.jobs["j"] = self.jobs["j"]._replace(**changes)

    def execution(self, index: int, **changes: Any) -> None:
        self.executions[index] = self.executions[index]._replace(**changes)

    def replace(self, index: int, *notes: Note) -> None:
        self.notes[index : index + 1] = notes

    def verdict(self) -> Verdict:
        notes = sorted(self.notes, key=lambda note: note.at)
        return judge(Evidence(notes, self.jobs, self.executions, self.lines))


def test_a_good_history() -> None:
    verdict = Made().verdict()
    assert verdict.violations == []
    assert (verdict.accepted, verdict.finished, verdict.runs, verdict.losses, verdict.kills) == (
        1,
        1,
        2,
        1,
        1,
    )
    assert "lost 0" in str(verdict)


def not_in_the_database(made: Made) -> None:
    made.notes.append(made.note(Event.ACCEPTED, 1, 0.1, job="k"))


def never_ended(made: Made) -> None:
    made.job(status="processing")


def waits_for_ever(made: Made) -> None:
    made.jobs["k"] = JobRecord("k", "pending", 0, 0, 0, None)


def given_up_too_early(made: Made) -> None:
    made.job(status="failed", run=None, execution="a", claims=1, attempts=0)
    del made.executions[1:], made.notes[3:], made.lines[0]


def two_claims_at_once(made: Made) -> None:
    made.execution(0, finished=DAY + 2.05)


def two_handlers_at_once(made: Made) -> None:
    made.replace(2, made.note(Event.KILLED, 11, 2.3))
    made.execution(0, finished=DAY + 1.9)


def a_handler_that_never_stopped(made: Made) -> None:
    del made.notes[2]


def a_result_of_an_earlier_run(made: Made) -> None:
    made.execution(1, run="a")


def a_checkpoint_of_an_earlier_run(made: Made) -> None:
    made.job(run="a")


def a_line_of_an_earlier_run(made: Made) -> None:
    made.lines.append(LineRecord("b", MARK + "a", DAY + 2.2))


def a_line_after_the_end(made: Made) -> None:
    made.lines.append(LineRecord("a", MARK + "a", DAY + 2.2))


def a_claim_without_a_record(made: Made) -> None:
    del made.executions[0]


def a_record_too_many(made: Made) -> None:
    made.executions.append(made.executions[0]._replace(id="c"))


def two_successes(made: Made) -> None:
    made.execution(0, status="succeeded", reason=None)


def a_success_of_a_cancelled_job(made: Made) -> None:
    made.job(status="cancelled")


def a_success_nobody_ran(made: Made) -> None:
    made.replace(4, made.note(Event.STOP, 12, 2.5, job="j", execution="b"))


def another_execution_ended_it(made: Made) -> None:
    made.job(execution="a")


def a_loss_that_spent_an_attempt(made: Made) -> None:
    made.job(attempts=2)


def a_run_without_a_record(made: Made) -> None:
    made.replace(0, made.notes[0], made.note(Event.START, 11, 0.5, job="j", execution="x"))
    made.notes.append(made.note(Event.STOP, 11, 0.6, job="j", execution="x"))


def a_claim_run_twice(made: Made) -> None:
    made.notes.append(made.note(Event.START, 12, 2.55, job="j", execution="b"))


def again_after_a_success(made: Made) -> None:
    made.execution(0, status="failed", reason="error")


def a_loss_without_a_cause(made: Made) -> None:
    made.replace(2, made.note(Event.STOP, 11, 1.5, job="j", execution="a"))


def a_stranger_ran(made: Made) -> None:
    made.notes.append(made.note(Event.START, 12, 3.0, job="ghost", execution="g"))


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (not_in_the_database, Fault.LOST),
        (never_ended, Fault.LOST),
        (waits_for_ever, Fault.LOST),
        (given_up_too_early, Fault.LOST),
        (two_claims_at_once, Fault.OVERLAP),
        (two_handlers_at_once, Fault.OVERLAP),
        (a_handler_that_never_stopped, Fault.OVERLAP),
        (a_result_of_an_earlier_run, Fault.STALE),
        (a_checkpoint_of_an_earlier_run, Fault.STALE),
        (a_line_of_an_earlier_run, Fault.STALE),
        (a_line_after_the_end, Fault.STALE),
        (a_claim_without_a_record, Fault.RECORD),
        (a_record_too_many, Fault.RECORD),
        (two_successes, Fault.RECORD),
        (a_success_of_a_cancelled_job, Fault.RECORD),
        (a_success_nobody_ran, Fault.RECORD),
        (another_execution_ended_it, Fault.RECORD),
        (a_loss_that_spent_an_attempt, Fault.RECORD),
        (a_run_without_a_record, Fault.UNEXPLAINED),
        (a_claim_run_twice, Fault.UNEXPLAINED),
        (again_after_a_success, Fault.UNEXPLAINED),
        (a_loss_without_a_cause, Fault.UNEXPLAINED),
        (a_stranger_ran, Fault.UNEXPLAINED),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_bad_history_is_found(spoil: Any, fault: Fault) -> None:
    made = Made()
    spoil(made)
    assert fault in {violation.fault for violation in made.verdict().violations}


@pytest.mark.parametrize(
    ("begun", "over"), [(Event.FROZEN, Event.WOKEN), (Event.CUT, Event.HEALED)], ids=["frozen", "cut off"]
)
def test_who_was_out_of_touch_is_excused_and_counted(begun: Event, over: Event) -> None:
    """The promise: handlers of two attempts overlap only if a process was paused or cut off."""
    made = Made()
    made.replace(2, made.note(begun, 11, 1.3), made.note(over, 11, 2.3))
    made.notes.append(made.note(Event.STOP, 11, 2.4, job="j", execution="a"))
    verdict = made.verdict()
    assert verdict.violations == []
    assert verdict.excused == 1


def test_who_was_frozen_before_its_handler_began_is_excused_and_nobody_else() -> None:
    """It wakes up, begins as the later of the two, and stops."""
    made = Made()
    begin, end = (
        made.note(Event.START, 11, 2.3, job="j", execution="a"),
        made.note(Event.STOP, 11, 2.4, job="j", execution="a"),
    )
    made.notes = [note for note in made.notes if note.pid != 11] + [begin, end]
    assert Fault.OVERLAP in {violation.fault for violation in made.verdict().violations}
    made.notes += [made.note(Event.FROZEN, 11, 1.05), made.note(Event.WOKEN, 11, 2.29)]
    verdict = made.verdict()
    assert verdict.violations == []
    assert verdict.excused == 1


def test_a_stall_that_a_process_noticed_itself_explains_a_loss() -> None:
    made = Made()
    made.replace(2, made.note(Event.STALLED, 11, 1.8, since=1.2))
    made.notes.append(made.note(Event.STOP, 11, 1.85, job="j", execution="a"))
    assert made.verdict().violations == []


def test_a_cut_of_everybody_explains_a_loss() -> None:
    made = Made()
    made.replace(2, made.note(Event.CUT, 0, 1.2), made.note(Event.HEALED, 0, 1.6))
    made.notes.append(made.note(Event.STOP, 11, 1.85, job="j", execution="a"))
    assert made.verdict().violations == []


def test_a_line_that_came_before_the_end_was_carried_out_is_not_late() -> None:
    made = Made()
    made.execution(0, finished=DAY + 1.7)
    made.lines.append(LineRecord("a", MARK + "a", DAY + 1.85))
    assert made.verdict().violations == []
    made.lines.append(LineRecord("a", MARK + "a", DAY + 1.95))
    assert [violation.fault for violation in made.verdict().violations] == [Fault.STALE]


def test_cuts_that_overlap_are_all_remembered() -> None:
    made = Made()
    cuts = [made.note(Event.CUT, 0, 1.2), made.note(Event.CUT, 0, 5.0)]
    made.replace(2, *cuts, made.note(Event.HEALED, 0, 5.5), made.note(Event.HEALED, 0, 6.0))
    made.notes.append(made.note(Event.STOP, 11, 1.85, job="j", execution="a"))
    assert made.verdict().violations == []


def test_a_poison_job_is_given_up_after_three_losses() -> None:
    made = Made()
    made.job(status="failed", run=None, execution="c", claims=3, losses=3, attempts=0)
    lost = made.executions[0]
    made.executions = [
        lost._replace(id=name, claim=n, claimed=DAY + n, finished=DAY + n + 0.5, pid=10 + n)
        for n, name in enumerate("abc", 1)
    ]
    made.notes = made.notes[:1] + [made.note(Event.KILLED, 10 + n, n + 0.2) for n in (1, 2, 3)]
    made.lines = []
    verdict = made.verdict()
    assert verdict.violations == []
    assert verdict.buried == 1
