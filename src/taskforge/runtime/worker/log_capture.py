"""Sends what running tasks log with the standard library to the log of their execution."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from taskforge.domain.log_level import LogLevel
from taskforge.runtime.worker.failure import format_traceback
from taskforge.sdk.context import find_current_job

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

OWN = "taskforge"
MAX_TRACEBACK = 12_000
"""Bytes of a traceback in a line's metadata, which as a whole is limited to 16 KiB."""


class LogCapture(logging.Handler):
    """A handler on the root logger, installed while a worker runs.

    To see ``level`` and up whatever level the root logger has, it lowers that level, and keeps from
    every other handler what it would not have got before. Outside of jobs nothing changes. A program without
    handlers goes on to see its warnings on stderr, unless ``is_last_resort`` is false.
    """

    def __init__(self, level: int = logging.INFO, *, is_last_resort: bool = True) -> None:
        super().__init__(level)
        self._is_last_resort = is_last_resort
        self._guards: list[tuple[logging.Handler, _FormerLevel]] = []
        self._former = logging.NOTSET

    def __enter__(self) -> Self:
        root = logging.getLogger()
        self._former = root.level
        if root.level > self.level:
            guard = _FormerLevel(root, root.level)
            for handler in handlers_of(root):
                handler.addFilter(guard)
                self._guards.append((handler, guard))
            root.setLevel(self.level)
        root.addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        root = logging.getLogger()
        root.removeHandler(self)
        for handler, guard in self._guards:
            handler.removeFilter(guard)
        if self._guards or root.level == self.level:
            root.setLevel(self._former)
        self._guards.clear()

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record to the execution that runs here, if one does."""
        try:
            context = find_current_job()
            if context is not None and not _is_own(record.name):
                write = getattr(context.log, _level(record.levelno).value)
                write(_text(record), **_metadata(record))
            if self._is_last_resort:
                self._act_as_last_resort(record)
        except Exception:
            self.handleError(record)

    def _act_as_last_resort(self, record: logging.LogRecord) -> None:
        """A program without handlers gets its warnings on stderr; our presence must not end that."""
        last = logging.lastResort
        if last is None or record.levelno < max(last.level, self._former):
            return
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None:
            if any(handler is not self for handler in logger.handlers):
                return
            logger = logger.parent if logger.propagate else None
        last.handle(record)


class _FormerLevel(logging.Filter):
    """Lets a handler see what it saw before the root logger's level was lowered."""

    def __init__(self, root: logging.Logger, level: int) -> None:
        super().__init__()
        self._root = root
        self._level = level

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= self._level:
            return True
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None and logger is not self._root:
            if logger.level:
                return True
            logger = logger.parent
        return False


def handlers_of(root: logging.Logger) -> list[logging.Handler]:
    """The handlers of all loggers below ``root``, and its own."""
    loggers = [root, *(one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger))]
    return list({id(handler): handler for logger in loggers for handler in logger.handlers}.values())


def _is_own(name: str) -> bool:
    return name == OWN or name.startswith(OWN + ".")


def _level(number: int) -> LogLevel:
    if number >= logging.ERROR:
        return LogLevel.ERROR
    if number >= logging.WARNING:
        return LogLevel.WARN
    if number >= logging.INFO:
        return LogLevel.INFO
    return LogLevel.DEBUG if number >= logging.DEBUG else LogLevel.TRACE


def _text(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except Exception as error:
        text = f"{record.msg!r:.1000} (could not be formatted: {type(error).__name__})"
    if not text.strip() and record.exc_info and record.exc_info[1] is not None:
        return repr(record.exc_info[1])
    return text


def _metadata(record: logging.LogRecord) -> dict[str, Any]:
    metadata: dict[str, Any] = {"logger": record.name}
    if record.exc_info and record.exc_info[1] is not None:
        metadata["exception"] = format_traceback(record.exc_info[1], MAX_TRACEBACK)
    if record.stack_info:
        metadata["stack"] = record.stack_info
    return metadata
