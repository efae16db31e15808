"""An exception as it is stored: safe to build whatever the exception does, and limited in size."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from taskforge.domain.execution import clean_message
from taskforge.domain.outcome import ErrorReport

if TYPE_CHECKING:
    from types import TracebackType

MAX_TRACEBACK_BYTES = 64 * 1024
CUT = "... [the beginning is cut]\n"

_OWN_FOLDER = str(Path(__file__).parent)


def error_report(error: BaseException) -> ErrorReport:
    """Type, message and traceback, without the frames of the worker itself."""
    return ErrorReport(type(error).__name__, _message(error), format_traceback(error))


def format_traceback(error: BaseException, limit: int = MAX_TRACEBACK_BYTES) -> str | None:
    """The traceback; of one longer than ``limit`` bytes the end."""
    try:
        trace = _without_own_frames(error.__traceback__)
        text = "".join(traceback.format_exception(type(error), error, trace))
    except Exception:
        return None
    tail = text[-limit - 1 :]  # a character is a byte at least, and the worker's loop waits for this
    raw = tail.replace("\x00", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace")
    if len(raw) > limit:
        return CUT + raw[-(limit - len(CUT)) :].decode("utf-8", "ignore")
    return raw.decode("utf-8")


def _message(error: BaseException) -> str:
    try:
        text = str(error)
    except BaseException as broken:
        text = f"<its message cannot be read: {type(broken).__name__}>"
    return clean_message(text) or ""


def _without_own_frames(trace: TracebackType | None) -> TracebackType | None:
    rest = trace
    while rest is not None and rest.tb_frame.f_code.co_filename.startswith(_OWN_FOLDER):
        rest = rest.tb_next
    return rest if rest is not None else trace


def said(error: Exception) -> str:
    """What an error of the platform says; those that say nothing have a name at least."""
    return str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)
