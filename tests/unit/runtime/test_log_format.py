"""Records as lines and as JSON: with the identifiers of the run, without secrets, whatever is logged."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.errors import InvalidInput
from taskforge.domain.ids import JobId
from taskforge.runtime.correlation import identifiers, stamp_records
from taskforge.runtime.log_format import ConsoleFormatter, JsonFormatter
from taskforge.runtime.worker.recorder import AttemptRecorder
from taskforge.sdk.context import Context, SilentRecorder, use_context
from taskforge.sdk.secrets import SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterator

CANARY = 'c4n"ary\\of the w\u00e4lls'
JOB = UUID(int=7)


def context(recorder: Any = None) -> Context:
    return Context(
        id=JobId(JOB),
        execution_id=UUID(int=8),
        task="mail.send",
        queue="mail",
        attempt=2,
        max_attempts=3,
        deadline=datetime(2026, 1, 1, tzinfo=UTC),
        recorder=recorder or SilentRecorder(),
        worker="w-1",
        schedule="s-1",
    )


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A logger that writes JSON, with stamped records."""
    make = logging.getLogRecordFactory()
    stamp_records()
    stamp_records()  # a second time changes nothing
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.Logger("shop")
    logger.addHandler(handler)
    yield logger, stream
    logging.setLogRecordFactory(make)
    SECRETS.forget()


def documents(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_within_a_run_says_whose_it_is(written: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = written
    logger.info("before")
    with use_context(context()):
        logger.info(
            "sent %d", 3, extra={"to": "ani", "job_id": "not mine", "when": datetime(2026, 1, 1, tzinfo=UTC)}
        )

        async def elsewhere() -> None:
            await asyncio.to_thread(logger.info, "in a thread")
            await asyncio.get_running_loop().create_task(again())

        async def again() -> None:
            logger.info("in a task")

        asyncio.run(elsewhere())
        with ThreadPoolExecutor(1) as pool:
            pool.submit(copy_context().run, logger.info, "in a pool").result()
        thread = threading.Thread(target=logger.info, args=("in a thread of its own",))
        thread.start()
        thread.join()
    before, sent, *others, alone = documents(stream)
    assert before.keys() == {"time", "level", "logger", "message"}
    ids = {
        "job_id": str(JOB), "execution_id": str(UUID(int=8)), "task": "mail.send", "queue": "mail", "attempt": 2,
        "worker": "w-1", "schedule_id": "s-1",
    }  # fmt: skip
    assert sent.items() >= ids.items()
    assert (sent["message"], sent["to"], sent["level"], sent["logger"]) == ("sent 3", "ani", "info", "shop")
    assert sent["when"].startswith("datetime.datetime(2026")
    assert datetime.fromisoformat(sent["time"]).tzinfo is not None
    assert [other["message"] for other in others] == ["in a thread", "in a task", "in a pool"]
    assert all(other.items() >= ids.items() for other in others)
    assert "job_id" not in alone


def test_a_secret_is_written_nowhere(written: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = written
    SECRETS.add(CANARY)
    recorder = AttemptRecorder()
    with use_context(context(recorder)) as ctx:
        try:
            raise ValueError(CANARY)
        except ValueError:
            logger.exception(
                "the key %s", CANARY, extra={"nested": [{"PassWord": "x1"}, CANARY], "key": f"<{CANARY}>"}
            )
        ctx.log.info("connecting with " + CANARY, token="x2", deep={"Authorization": "x3", "note": CANARY})  # noqa: G003
        ctx.take_output("stdout", f"printed {CANARY}\n")
        ctx.progress(1, 2, CANARY)
    lines = recorder.take_lines(last=True)
    told = [
        stream.getvalue(),
        *(f"{line.message} {line.metadata}" for line in lines),
        recorder.take_signs().progress or "",
    ]
    for text in told:
        assert "redacted" in text
        for spelled in (CANARY, json.dumps(CANARY)[1:-1], repr(CANARY)[1:-1], "x1", "x2", "x3"):
            assert spelled not in text
    [document] = documents(stream)
    assert document["nested"] == [{"PassWord": "[redacted]"}, "[redacted]"]
    assert "Traceback" in document["exception"]
    console = ConsoleFormatter().format(
        logging.makeLogRecord({"msg": f"of {CANARY}", "levelname": "INFO", "name": "x"})
    )
    assert console.endswith("of [redacted]")


def test_people_see_the_run_at_the_end_of_a_line() -> None:
    with use_context(context()):
        record = logging.makeLogRecord(
            {"msg": "sent", "levelname": "INFO", "name": "shop", "taskforge": identifiers()}
        )
    line = ConsoleFormatter().format(record)
    assert line.endswith(f"shop: sent [job_id={JOB} execution_id={UUID(int=8)} worker=w-1 schedule_id=s-1]")


@pytest.mark.parametrize("value", ["", "abc", 17])
def test_what_is_too_short_is_no_secret(value: Any) -> None:
    with pytest.raises(InvalidInput):
        SECRETS.add(value)


class Unwritable:
    """Its text cannot be had."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


@given(
    st.dictionaries(
        st.text(min_size=1),
        st.one_of(st.none(), st.text(), st.binary(), st.floats(), st.builds(Unwritable)),
        max_size=4,
    )
)
def test_whatever_is_logged_is_one_line_of_json(extra: dict[str, Any]) -> None:
    record = logging.makeLogRecord({"msg": "%d", "args": ("x",), "levelname": "INFO", "name": "x"})
    for name, value in extra.items():
        vars(record).setdefault(name, value)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    assert "could not be formatted" in json.loads(text)["message"]
