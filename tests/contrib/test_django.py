"""Django's tasks on TaskForge: what the interface of backends promises, and what a transaction of Django's takes along."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import sys
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections, transaction
from django.test import override_settings
from django.utils import timezone

from taskforge import JobFailed, TaskForge
from taskforge.contrib.django import TaskForgeBackend, framework, job_options
from taskforge.contrib.django.app import _applications as applications
from taskforge.contrib.django.app import application_of
from taskforge.contrib.django.database import url_of
from taskforge.contrib.django.management.commands.taskforge import _parted
from taskforge.contrib.django.options import priority_of
from taskforge.contrib.django.results import error_of
from taskforge.domain.errors import InvalidInput
from taskforge.sdk.registry import Registry
from taskforge.testing import Harness
from taskforge.testing.drain import drain
from tests.contrib import django_project as project
from tests.support.remote import KEY, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from taskforge.contrib.django.app import DjangoApplication


def backend() -> TaskForgeBackend:
    found = framework.task_backends["default"]
    assert isinstance(found, TaskForgeBackend)
    return found


@pytest.fixture
def taskforge() -> Iterator[Harness]:
    project.seen.clear()
    with Harness(backend().app) as harness:
        yield harness


def test_a_task_and_its_result(taskforge: Harness) -> None:
    result = project.add.enqueue(2, b=3)
    assert (result.status, result.args, result.kwargs, result.attempts) == ("READY", [2], {"b": 3}, 0)
    assert not result.is_finished
    assert result == project.add.get_result(result.id)
    with pytest.raises(ValueError, match="has not finished"):
        _ = result.return_value
    assert taskforge.drain() == 1
    result.refresh()
    assert (result.status, result.return_value, result.attempts, result.errors) == ("SUCCESSFUL", 5, 1, [])
    assert result.enqueued_at <= result.started_at == result.last_attempted_at <= result.finished_at
    assert result.worker_ids[0].startswith("drain ")
    with pytest.raises(framework._exceptions.TaskResultMismatch):
        project.note.get_result(result.id)


def test_async_tasks_priorities_queues_and_times(taskforge: Harness) -> None:
    later = timezone.now() + timedelta(hours=1)
    jobs = [
        project.note.using(priority=-100).enqueue("least"),
        project.note.enqueue("usual"),
        project.note.using(priority=1).enqueue("more"),
        project.note.using(priority=100).enqueue("most"),
        project.note.using(run_after=later).enqueue("late"),
    ]
    assert [project.note.get_result(job.id) for job in jobs] == jobs
    assert [job.priority for job in taskforge.jobs()] == [0, 4, 5, 9, 4]
    report = project.report.using(queue_name="default").enqueue("2026-01-31")
    assert project.report.get_result(report.id).task.queue_name == "default"
    taskforge.drain()
    assert sorted(project.seen) == ["least", "more", "most", "usual"]
    assert project.report.get_result(report.id).return_value == {"day": "2026-01-31"}
    taskforge.advance("2h")
    taskforge.drain()
    assert project.seen[-1] == "late"
    assert taskforge.app.run_sync(taskforge.app.platform) is not None
    assert {task.queue for task in taskforge.app.registry} == {"default", "reports"}


def test_the_order_of_priorities_is_djangos() -> None:
    mapped = [priority_of(priority) for priority in range(-100, 101)]
    assert mapped == sorted(mapped)
    assert (mapped[0], mapped[99], mapped[100], mapped[101], mapped[200]) == (0, 3, 4, 5, 9)


def test_failures(taskforge: Harness) -> None:
    tasks = {project.refuse: LookupError, project.odd: TypeError, project.leave: SystemExit}
    results = [task.enqueue() for task in tasks]
    taskforge.drain()
    for result, kind in zip(results, tasks.values(), strict=True):
        result.refresh()
        assert (result.status, result.attempts, len(result.errors)) == ("FAILED", 1, 1)
        assert result.errors[0].exception_class is kind
        with pytest.raises(ValueError, match="Task failed"):
            _ = result.return_value
    assert results[0].errors[0].traceback.endswith("LookupError: the shelf\nis empty\n")


def test_retries_and_the_context(taskforge: Harness) -> None:
    result = project.third_time.enqueue("line")
    for _ in range(3):
        taskforge.drain()
        taskforge.advance(10)
    result.refresh()
    assert result.return_value == f"line {result.id}"
    assert [error.exception_class for error in result.errors] == [ConnectionError] * 2
    assert (result.attempts, result.started_at < result.last_attempted_at) == (3, True)
    assert project.seen == [(n, n, n - 1, "RUNNING", ["line"]) for n in (1, 2, 3)]


def test_a_cancelled_job_has_failed(taskforge: Harness) -> None:
    result = project.add.enqueue(1)
    taskforge.app.run_sync(taskforge.app.cancel, _id(result))
    result.refresh()
    assert (result.status, result.errors[0].exception_class.__name__) == ("FAILED", "JobCancelled")


@pytest.mark.anyio
async def test_asynchronous_code(taskforge: Harness) -> None:
    result = await project.report.aenqueue("2026-01-31")
    await taskforge.adrain()
    await result.arefresh()
    assert (result.status, result.return_value) == ("SUCCESSFUL", {"day": "2026-01-31"})


def test_ids_that_are_no_tasks(taskforge: Harness) -> None:
    other = TaskForge()

    @other.task(name="tests.contrib.django_project.plain")
    def plain() -> None: ...

    native = taskforge.app.enqueue_many([plain.job()])[0]
    for unknown in ("123", "00000000-0000-7000-8000-00000000dead", str(native.id)):
        with pytest.raises(framework.TaskResultDoesNotExist):
            backend().get_result(unknown)


def test_what_cannot_be_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    for function, words in [(lambda: None, "module level"), (any, "module level")]:
        with pytest.raises(framework.InvalidTask, match=words):
            project.task(function)
    with pytest.raises(framework.InvalidTask, match="not valid for backend"):
        project.add.using(queue_name="unknown")
    with pytest.raises(framework.InvalidTask, match="aware"):
        project.add.using(run_after=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the mistake
    monkeypatch.setattr(project.plain, "__qualname__", "p" * 101)
    with pytest.raises(framework.InvalidTask, match="job type"):
        project.task(project.plain)
    with pytest.raises(InvalidInput, match="Django's own"):
        job_options(priority=9)
    with pytest.raises(TypeError):
        project.add.enqueue(datetime.now(UTC))


def test_signals(taskforge: Harness, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, framework.PACKAGE)
    told: list[tuple[str, str, Any]] = []
    signals = framework.signals

    def listener(name: str) -> Any:
        def listen(sender: type, task_result: Any, **_: Any) -> None:
            assert sender is TaskForgeBackend
            told.append((name, str(task_result.status), len(task_result.errors)))

        return listen

    kept = [listener(name) for name in ("enqueued", "started", "finished")]
    every = (signals.task_enqueued, signals.task_started, signals.task_finished)
    for signal, listen in zip(every, kept, strict=True):
        signal.connect(listen)
    try:
        project.refuse.enqueue()
        taskforge.drain()
        project.third_time.enqueue("x")
        taskforge.drain()
    finally:
        for signal, listen in zip(every, kept, strict=True):
            signal.disconnect(listen)
    assert told == [
        ("enqueued", "READY", 0),
        ("started", "RUNNING", 0),
        ("finished", "FAILED", 1),
        ("enqueued", "READY", 0),
        ("started", "RUNNING", 0),  # another attempt follows: not finished
    ]
    [failure] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert failure.exc_info is not None
    assert failure.exc_info[0] is LookupError


# Django's own database and the jobs: one transaction.


@contextmanager
def shared(url: str, alias: str = "shared") -> Iterator[DjangoApplication]:
    """Django's database of this alias is where the jobs are."""
    if url.startswith("sqlite"):
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": url.removeprefix("sqlite:///")}
    else:
        from psycopg.conninfo import conninfo_to_dict

        parts = conninfo_to_dict(url)
        names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
        database = {"ENGINE": "django.db.backends.postgresql"}
        database |= {ours: str(parts[theirs]) for ours, theirs in names.items() if theirs in parts}
    connections.settings[alias] = connections.configure_settings(
        {"default": connections.settings["default"], alias: database}
    )[alias]
    tasks = {"default": {"BACKEND": project.BACKEND, "OPTIONS": {"database": alias, "project": "default"}}}
    with override_settings(TASKS=tasks):
        app = backend().app
        try:
            yield app
        finally:
            app.close()
            for key in [key for key, made in applications.items() if made is app]:
                del applications[key]  # else the next one of this alias is this one
            connections[alias].close()
            del connections.settings[alias]
            del connections[alias]


def test_a_job_comes_with_the_transaction(database_url: str) -> None:
    project.seen.clear()
    with shared(database_url) as app:
        app.run_sync(app.platform)
        with connections["shared"].cursor() as cursor:
            cursor.execute("CREATE TABLE orders (number integer)")
        with transaction.atomic("shared"):
            connections["shared"].cursor().execute("INSERT INTO orders VALUES (1)")
            kept = project.note.enqueue("kept")
            with pytest.raises(framework.TaskResultDoesNotExist):
                project.note.get_result(kept.id)
            with transaction.atomic("shared"):
                project.note.enqueue("of a savepoint")
                transaction.set_rollback(True, "shared")
        with transaction.atomic("shared"):
            project.note.enqueue("of another transaction")
            transaction.set_rollback(True, "shared")
        assert project.note.get_result(kept.id) == kept
        project.note.enqueue("alone")
        assert app.run_sync(drain, app, 10) == 2
        assert sorted(project.seen) == ["alone", "kept"]
        kept.refresh()
        assert kept.status == "SUCCESSFUL"


def test_a_transaction_elsewhere_is_waited_for(taskforge: Harness) -> None:
    with transaction.atomic():
        result = project.note.enqueue("kept")
        assert taskforge.jobs() == []
    assert project.note.get_result(result.id) == result
    with transaction.atomic():
        project.note.enqueue("taken back")
        transaction.set_rollback(True)
    assert taskforge.drain() == 1
    assert project.seen == ["kept"]


def test_a_worker_over_http_needs_no_database(sqlite_url: str) -> None:
    project.seen.clear()
    told: list[tuple[str, int]] = []

    def listen(sender: type, task_result: Any, **_: Any) -> None:
        told.append((str(task_result.status), len(task_result.errors)))

    framework.signals.task_finished.connect(listen)
    with served(sqlite_url) as address, shared(sqlite_url) as app:
        nowhere = {"database_url": "postgresql://nobody@127.0.0.1:1/none"}
        away = application_of("default", {**nowhere, "server": address, "key": KEY}, ["default", "reports"])
        tasks = [project.add, project.report, project.third_time, project.refuse]
        for task in tasks:
            away.know(task)
        results = [
            project.add.enqueue(2),
            project.report.using(queue_name="default").enqueue("2026-01-31"),
            project.third_time.enqueue("line"),
            project.refuse.enqueue(),
        ]

        def ended() -> list[Any]:
            for result in results:
                with suppress(JobFailed):
                    app.handle(_id(result)).result(timeout=60)
                result.refresh()
            return results

        async def work() -> None:
            async with away.worker(name="away"):
                await asyncio.to_thread(ended)

        asyncio.run(work())
        away.close()
    framework.signals.task_finished.disconnect(listen)
    add, report, third, refused = results
    assert (add.return_value, report.return_value) == (3, {"day": "2026-01-31"})
    assert (third.return_value, third.attempts) == (f"line {third.id}", 3)
    assert third.worker_ids == ["away"] * 3
    assert (refused.status, refused.errors[0].exception_class) == ("FAILED", LookupError)
    # what it knows of earlier attempts is their number: their errors are in the record, which it cannot read
    assert project.seen == [(n, n, 0, "RUNNING", ["line"]) for n in (1, 2, 3)]
    assert sorted(told) == [("FAILED", 1), ("SUCCESSFUL", 0), ("SUCCESSFUL", 0), ("SUCCESSFUL", 0)]


def test_the_address_of_a_database() -> None:
    def of(engine: str, **fields: Any) -> str:
        databases = {
            "default": connections.settings["default"],
            "x": {"ENGINE": f"django.db.backends.{engine}"} | fields,
        }
        connections.settings["x"] = connections.configure_settings(databases)["x"]
        try:
            return url_of("x")
        finally:
            del connections.settings["x"], connections["x"]

    assert of("sqlite3", NAME="/srv/my site.db") == "sqlite:////srv/my%20site.db"
    full = {"NAME": "shop", "USER": "ani", "PASSWORD": "p@ss", "HOST": "db", "PORT": 5433}
    ssl = {"OPTIONS": {"sslmode": "require", "pool": True}}
    assert of("postgresql", **full, **ssl) == "postgresql://ani:p%40ss@db:5433/shop?sslmode=require"
    assert (
        of("postgresql", NAME="shop", HOST="/run/pg", PORT="1")
        == "postgresql:///shop?host=%2Frun%2Fpg&port=1"
    )
    for engine in ("sqlite3", "dummy"):
        with pytest.raises(ImproperlyConfigured):
            of(engine, NAME=":memory:")


def test_the_checks_of_the_options() -> None:
    def found(**options: Any) -> list[str]:
        tasks = {"default": {"BACKEND": project.BACKEND, "OPTIONS": options}}
        with override_settings(TASKS=tasks):
            return [error.msg for error in backend().check()]

    assert found(database_url="sqlite:///x.db", concurrency=4) == []
    assert "database address" in found(database_url="mysql://x")[0]
    assert "concurency" in found(database_url="sqlite:///x.db", concurency=4)[0]


def test_what_a_worker_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    from taskforge.contrib.django import application

    app = backend().app
    assert application.default is app
    assert backend().app is app  # one for the process
    with pytest.raises(AttributeError):
        _ = application.unknown
    with override_settings(
        TASKS={"default": {"BACKEND": project.BACKEND, "QUEUES": ["a", "b"], "OPTIONS": project.OPTIONS}}
    ):
        other = backend().app
        monkeypatch.setattr(other, "registry", Registry())
        for task in app.registry:
            other.registry.add(task)
        assert other.worker()._options.queues == ["a", "b", "default", "reports"]
        assert other.worker(queues=["a"])._options.queues == ["a"]


def test_manage_py(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("TASKFORGE_APP", "TASKFORGE_DATABASE_URL", "TASKFORGE_PROJECT", "PYTHONPATH"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setattr(sys, "argv", ["manage.py"])
    file = tmp_path / "of django.db"
    with shared(f"sqlite:///{file}", "of_manage_py"):
        call_command("taskforge", "migrate")
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (0,)
        assert os.environ["TASKFORGE_APP"] == "taskforge.contrib.django.application:default"
        with pytest.raises(CommandError, match="no-such-command ended with code"):
            call_command("taskforge", "no-such-command")
        with pytest.raises(CommandError, match="there are: default"):
            call_command("taskforge", "--backend=other", "jobs")
    words = [
        "worker",
        "--settings=site.settings",
        "-q",
        "a",
        "--backend",
        "b",
        "--pythonpath",
        ".",
        "-c",
        "4",
    ]
    assert _parted(words) == (["worker", "-q", "a", "-c", "4"], "b")


def test_where_an_exceptions_class_is() -> None:
    trace = "Traceback ...\n  File ...\nmy.app.errors.Refused: no\nmore: words\n"
    assert error_of("Refused", "no", trace).exception_class_path == "my.app.errors.Refused"
    assert error_of("TimeoutError", "no end", None).exception_class is TimeoutError
    lost = error_of("WorkerLost", "gone", None)
    assert (lost.exception_class.__name__, lost.traceback) == ("JobFailed", "WorkerLost: gone\n")


def _id(result: Any) -> Any:
    from uuid import UUID

    return UUID(result.id)
