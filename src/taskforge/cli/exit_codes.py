"""What a process tells its caller: the one table of exit codes, and which error ends with which."""

from __future__ import annotations

from enum import IntEnum

from taskforge.domain.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    LimitExceeded,
    NotFound,
    ResultTimeout,
    SchemaMismatch,
    TaskforgeError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)


class ExitCode(IntEnum):
    """Stable: scripts may rely on the numbers. ``meaning`` is what `docs/cli.md` says."""

    OK = 0, "done"
    FAILURE = 1, "the job failed or was cancelled, or doctor found something"
    USAGE = 2, "a wrong option, argument, setting or payload"
    NOT_FOUND = 3, "no such queue, job, task, project or application"
    CONFLICT = 4, "the present state refuses it: closed queue, finished job, name taken"
    UNAVAILABLE = 5, "the database cannot be reached or is busy; trying again may help"
    SCHEMA = 6, "the database needs `taskforge migrate`, or is newer than this program"
    TIMEOUT = 7, "the awaited job has not ended in time"
    DENIED = 8, "a credential is missing, wrong or expired, or does not allow it"
    START_ANEW = 75, "a worker with a handler that would not stop; it has drained: start it again"
    BUG = 70, "an error inside of TaskForge; -v shows its traceback"
    INTERRUPTED = 130, "Ctrl-C"
    TERMINATED = 143, "a second SIGTERM, while the first was being obeyed"

    meaning: str

    def __new__(cls, value: int, meaning: str) -> ExitCode:
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


_CODES: tuple[tuple[type[TaskforgeError], ExitCode], ...] = (
    (InvalidInput, ExitCode.USAGE),
    (NotFound, ExitCode.NOT_FOUND),
    (Conflict, ExitCode.CONFLICT),
    (Unavailable, ExitCode.UNAVAILABLE),
    (SchemaMismatch, ExitCode.SCHEMA),
    (ResultTimeout, ExitCode.TIMEOUT),
    (Unauthenticated, ExitCode.DENIED),
    (Forbidden, ExitCode.DENIED),
    (LimitExceeded, ExitCode.CONFLICT),
    (TooManyRequests, ExitCode.UNAVAILABLE),
)


def exit_code_of(error: TaskforgeError) -> ExitCode:
    """The code with which a command ends that raised this error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.FAILURE)
