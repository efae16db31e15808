"""What processes of TaskForge write to standard error: a line for people, or a JSON document on each line."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from taskforge.runtime.correlation import ATTRIBUTE
from taskforge.sdk.secrets import SECRETS

CONSOLE = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
SHOWN = ("job_id", "execution_id", "worker", "schedule_id", "trace_id")
"""The identifiers that are shown to people; programs get all."""
_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", ATTRIBUTE}


class ConsoleFormatter(logging.Formatter):
    """A line for people, with the identifiers of the run at its end."""

    def __init__(self) -> None:
        super().__init__(CONSOLE)

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        found = getattr(record, ATTRIBUTE, None)
        if not found:
            return line
        shown = " ".join(f"{name}={found[name]}" for name in SHOWN if name in found)
        return f"{line} [{shown}]"

    def format(self, record: logging.LogRecord) -> str:
        return SECRETS.text(super().format(record))


class JsonFormatter(logging.Formatter):
    """A JSON document: time (RFC 3339, UTC), level, logger, message, the identifiers of the run, what ``extra`` said.

    What went wrong while a record was formatted is said in its place; a record is never lost.
    """

    def format(self, record: logging.LogRecord) -> str:
        document: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": SECRETS.text(_message(record)),
        }
        document |= getattr(record, ATTRIBUTE, None) or {}
        extra = {
            name: value
            for name, value in vars(record).items()
            if name not in _OF_EVERY_RECORD and name not in document
        }
        if extra:
            document |= SECRETS.value(_plain(extra))
        if record.exc_info:
            document["exception"] = SECRETS.text(self.formatException(record.exc_info))
        elif record.exc_text:
            document["exception"] = SECRETS.text(record.exc_text)
        if record.stack_info:
            document["stack"] = SECRETS.text(self.formatStack(record.stack_info))
        return json.dumps(document, ensure_ascii=False)


FORMATTERS: dict[str, type[logging.Formatter]] = {"console": ConsoleFormatter, "json": JsonFormatter}


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:
        return f"{record.msg!r:.1000} (could not be formatted: {type(error).__name__})"


def _plain(extra: dict[str, Any]) -> Any:
    """As JSON has it; what it has no form for, as Python writes it."""
    try:
        return json.loads(json.dumps(extra, default=_written, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return {name: _written(value) for name, value in extra.items()}


def _written(value: object) -> str:
    try:
        return repr(value)[:1000]
    except Exception as error:
        return f"<a value that cannot be written: {type(error).__name__}>"
