"""How an error is told: what is wrong and what mends it, on standard error, in as many lines."""

from __future__ import annotations

import sys
import traceback

from taskforge.cli.exit_codes import ExitCode, exit_code_of
from taskforge.cli.text import visible
from taskforge.domain.errors import JobFailed, TaskforgeError


def tell(error: BaseException, *, verbose: bool) -> ExitCode:
    """Write about the error; answer the exit code. ``verbose`` adds where it was raised."""
    if isinstance(error, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    if verbose:
        traceback.print_exception(error)
    if not isinstance(error, TaskforgeError):
        note(f"error: {type(error).__name__}: {error}")
        note("hint: this is a bug of TaskForge; run it again with `taskforge -v ...` to see the traceback")
        return ExitCode.BUG
    if isinstance(error, JobFailed) and error.traceback and not verbose:
        note(error.traceback.rstrip())
    note(f"error: {error.message}")
    if error.hint:
        note(f"hint: {error.hint}")
    return exit_code_of(error)


def note(text: str) -> None:
    """A line for people, on standard error: standard output is for results."""
    print(visible(text), file=sys.stderr, flush=True)
