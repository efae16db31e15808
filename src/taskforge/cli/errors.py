"""How an error is told: what is wrong and what mends it, on standard error, in as many lines."""

from __future__ import annotations

import logging
import sys
import traceback

from taskforge.cli.exit_codes import ExitCode, exit_code_of
from taskforge.cli.text import visible
from taskforge.domain.errors import JobFailed, TaskforgeError

logger = logging.getLogger("taskforge.cli")


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
    """A line for people, on standard error: standard output is for results. Where logs are JSON, it is a record."""
    if _speaks_json():
        logger.info("%s", visible(text))
    else:
        print(visible(text), file=sys.stderr, flush=True)


def _speaks_json() -> bool:
    formatters = [handler.formatter for handler in logging.getLogger().handlers]
    is_json = any(type(formatter).__name__ == "JsonFormatter" for formatter in formatters)
    return is_json and logger.isEnabledFor(logging.INFO)
