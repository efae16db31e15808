"""How grave a line of a log is. Apart from executions, whose rows `import taskforge` does not need."""

from __future__ import annotations

from enum import StrEnum


class LogLevel(StrEnum):
    """Severity of a log line, the least severe first."""

    TRACE = "trace"
    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"
