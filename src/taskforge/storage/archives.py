"""Records as files (``ports.retention.Archive``): NDJSON, compressed, or Parquet.

A file is complete or not there: it is written under another name, brought to the disk, and then renamed. Its name
says which jobs it holds, so that the same jobs, archived again after a crash, replace it.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from taskforge.domain.errors import ArchiveFailed, InvalidSetting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taskforge.ports.retention import Archive, Record

ENDINGS = {"ndjson": "ndjson.gz", "parquet": "parquet"}


class FileArchive:
    """A folder for each project, in it one for each day on which the jobs were made, in it the files."""

    def __init__(self, folder: Path, encode: Callable[[Sequence[Record]], bytes], ending: str) -> None:
        self._folder = folder
        self._encode = encode
        self._ending = ending

    async def write(self, records: Sequence[Record]) -> str:
        try:
            return str(await asyncio.to_thread(self._write, records))
        except OSError as error:
            raise ArchiveFailed(
                f"cannot write to the archive: {error}", hint="nothing is pruned until that is mended"
            ) from error

    def _write(self, records: Sequence[Record]) -> Path:
        first = records[0].job
        folder = self._folder / str(first.project_id) / f"{first.created_at:%Y-%m-%d}"
        folder.mkdir(parents=True, exist_ok=True)
        ids = b"".join(record.job.id.bytes for record in records)
        name = f"{first.status}-{first.id}-{hashlib.sha256(ids).hexdigest()[:12]}.{self._ending}"
        draft = folder / f".{name}.{os.getpid()}"
        try:
            with draft.open("wb") as file:
                file.write(self._encode(records))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(folder / name)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        for place in (folder, folder.parent, self._folder):
            _to_disk(place)
        return folder / name


def parse_archive(setting: str) -> tuple[str, Path]:
    """Form and folder that a setting names: ``ndjson:FOLDER``, ``parquet:FOLDER``, or only a folder.

    Raises InvalidSetting.
    """
    form, colon, folder = setting.partition(":")
    if not colon:
        form, folder = "ndjson", setting
    if form not in ENDINGS or not folder:
        raise InvalidSetting(
            f"archive must be ndjson:FOLDER or parquet:FOLDER, not {setting!r}", field="archive"
        )
    return form, Path(folder)


def open_archive(setting: str) -> Archive:
    """The archive that a setting names. Raises InvalidSetting; with Parquet also when pyarrow is missing."""
    form, folder = parse_archive(setting)
    encode = _as_lines if form == "ndjson" else _parquet_encoder()
    return FileArchive(folder, encode, ENDINGS[form])


def document_of(record: Record) -> dict[str, Any]:
    """A job as plain JSON values, with its ``executions``, each with its ``log``."""
    job = _plain(record.job)
    del job["hold"], job["lease_until"], job["attempt_timeout_at"], job["cancel_requested_at"]
    executions = []
    for execution in record.executions:
        log = [_plain(line) for line in record.lines if line.execution_id == execution.id]
        executions.append({**_plain(execution), "log": log})
    return {**job, "executions": executions}


def _plain(value: Any) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(value, str_keys=True)
    return plain


def _as_lines(records: Sequence[Record]) -> bytes:
    encode = msgspec.json.encode
    text = b"".join(encode(document_of(record)) + b"\n" for record in records)
    return gzip.compress(text, compresslevel=6, mtime=0)


def _parquet_encoder() -> Callable[[Sequence[Record]], bytes]:
    try:
        arrow = importlib.import_module("pyarrow")
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise InvalidSetting(
            "archive: Parquet needs pyarrow",
            field="archive",
            hint="pip install 'taskforge-jobs[archive]', or archive as ndjson:FOLDER",
        ) from error

    def encode(records: Sequence[Record]) -> bytes:
        rows = [_row(record) for record in records]
        sink = arrow.BufferOutputStream()
        parquet.write_table(arrow.Table.from_pylist(rows, schema=_schema(arrow)), sink, compression="zstd")
        content: bytes = sink.getvalue().to_pybytes()
        return content

    return encode


_TIMES = (
    "claimed_at", "started_at", "heartbeat_at", "scheduled_for", "expires_at", "timeout_at", "dead_lettered_at",
    "created_at", "updated_at", "completed_at", "finished_at", "logged_at",
)  # fmt: skip
_NUMBERS = (
    "priority", "max_attempts", "attempt_count", "losses", "claim_seq", "concurrency_limit", "attempt_number", "seq",
    "fairness_weight", "slots", "rate_tokens",
)  # fmt: skip
_JSON = ("payload", "state", "progress", "output", "metadata", "requires", "prefers")
_JOB = (
    "id", "project_id", "queue_id", "queue_name", "job_type", "payload", "status", "priority", "max_attempts",
    "attempt_count", "losses", "claim_seq", "execution_id", "worker_id", "claimed_at", "started_at", "heartbeat_at",
    "scheduled_for", "expires_at", "timeout_at", "failure", "tags", "key", "concurrency_key", "concurrency_limit",
    "fairness_key", "fairness_weight", "slots", "rate_tokens", "requires", "prefers",
    "state", "progress", "dead_letter_queue_id", "dead_lettered_at", "created_at", "updated_at", "completed_at",
)  # fmt: skip
_EXECUTION = (
    "id", "queue_id", "worker_id", "status", "reason", "attempt_number", "output", "error_type", "error_message",
    "traceback", "claimed_at", "started_at", "finished_at", "heartbeat_at", "duration_ms",
)  # fmt: skip
_LINE = ("seq", "level", "message", "metadata", "logged_at")


def _row(record: Record) -> dict[str, Any]:
    executions = []
    for execution in record.executions:
        log = [_cells(line, _LINE) for line in record.lines if line.execution_id == execution.id]
        executions.append({**_cells(execution, _EXECUTION), "log": log})
    return {**_cells(record.job, _JOB), "executions": executions}


def _cells(value: Any, names: Sequence[str]) -> dict[str, Any]:
    """Times stay times, ids become texts, JSON values their text: a column has one type."""
    return {name: _cell(name, getattr(value, name)) for name in names}


def _cell(name: str, value: Any) -> Any:
    if name in _JSON:
        return None if value is None else msgspec.json.encode(value).decode()
    return str(value) if isinstance(value, UUID) else list(value) if isinstance(value, tuple) else value


def _schema(arrow: Any) -> Any:
    def of(name: str) -> Any:
        if name in _TIMES:
            return arrow.timestamp("us", tz="UTC")
        if name == "tags":
            return arrow.list_(arrow.string())
        return (
            arrow.float64()
            if name == "duration_ms"
            else arrow.int64()
            if name in _NUMBERS
            else arrow.string()
        )

    def fields(names: Sequence[str]) -> list[Any]:
        return [arrow.field(name, of(name)) for name in names]

    log = arrow.field("log", arrow.list_(arrow.struct(fields(_LINE))))
    executions = arrow.field("executions", arrow.list_(arrow.struct([*fields(_EXECUTION), log])))
    return arrow.schema([*fields(_JOB), executions])


def _to_disk(folder: Path) -> None:
    """A name in a folder is durable when the folder is."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
