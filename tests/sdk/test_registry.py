from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from taskforge.domain.errors import Conflict, DuplicateTask, InvalidInput, InvalidPayload, NotFound
from taskforge.domain.job_options import JobOptions
from taskforge.sdk.handler import JobHandler, task_of_handler

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sdk.fakes import FakeBackend


def function() -> None: ...


def function_from(source: str, file: str) -> Callable[[], None]:
    namespace: dict[str, Any] = {"__name__": "made"}
    exec(compile(source, file, "exec"), namespace)  # noqa: S102 - a module loaded twice, in small
    made: Callable[[], None] = namespace["made"]
    return made


def test_two_of_one_name(app: FakeBackend) -> None:
    def other() -> None: ...

    app.task(name="it")(function)
    with pytest.raises(DuplicateTask) as caught:
        app.task(name="it")(other)
    assert caught.value.message.count("test_registry.py:") == 2
    with pytest.raises(DuplicateTask):
        app.task(name="it")(function)


def test_a_reloaded_module_replaces_its_tasks(app: FakeBackend) -> None:
    for file in ("/app/tasks.py", "/app/tasks.py"):
        last = app.task(function_from("def made(): pass", file))
    assert app.registry.get("made.made") is last
    with pytest.raises(DuplicateTask):
        app.task(function_from("def made(): pass", "/app/others.py"))


def test_a_prompt_replaces_its_tasks(app: FakeBackend) -> None:
    app.task(function_from("def made(): pass", "<stdin>"))
    last = app.task(function_from("\n\ndef made(): pass", "<stdin>"))
    assert list(app.registry) == [last]


def test_find(app: FakeBackend) -> None:
    first = app.task(name="shop.tasks.add")(function)
    app.task(name="shop.tasks.report")(function)
    app.task(name="blog.tasks.report")(function)
    registry = app.registry
    assert registry.find("add") is registry.find("tasks.add") is registry.find("shop.tasks.add") is first
    with pytest.raises(Conflict, match=r"blog\.tasks\.report, shop\.tasks\.report"):
        registry.find("report")
    with pytest.raises(NotFound) as caught:
        registry.find("ad")
    assert caught.value.hint == "tasks: shop.tasks.add"
    assert registry.names == ["blog.tasks.report", "shop.tasks.add", "shop.tasks.report"]
    assert next(iter(registry)).name == "shop.tasks.add"
    assert (len(registry), "shop.tasks.add" in registry, "add" in registry) == (3, True, False)


def test_nothing_is_registered(app: FakeBackend) -> None:
    with pytest.raises(NotFound) as caught:
        app.registry.find("add")
    assert "imported" in (caught.value.hint or "")


class SendEmail(JobHandler):
    """Sends one."""

    job_type = "send_email"

    async def execute(self, payload: Any) -> Any:
        return {"sent": payload}


class Counts(JobHandler):
    job_type = "counts"

    async def execute(self, payload: list[int]) -> int:
        return sum(payload)


class TestHandlers:
    @pytest.mark.parametrize("payload", [None, 1, "text", [1, {"a": None}], {"to": "x"}])
    def test_any_json_value_is_a_payload(self, app: FakeBackend, payload: Any) -> None:
        task = task_of_handler(SendEmail(), app, queue="mail", options=JobOptions(priority=2))
        app.registry.add(task)
        assert (task.name, task.queue, task.pool, task.is_async) == ("send_email", "mail", "async", True)
        assert task.defaults.priority == 2
        job = task.enqueue(payload)
        assert job.result() == {"sent": payload}
        assert app.calls[job.id].queue == "mail"

    def test_an_annotated_payload_is_checked(self, app: FakeBackend) -> None:
        task = task_of_handler(Counts(), app)
        app.registry.add(task)
        assert task.enqueue([1, 2]).result() == 3
        assert task.schema() == {"type": "array", "items": {"type": "integer"}}
        with pytest.raises(InvalidPayload, match=r"payload must be list\[int\]"):
            task.enqueue(["x"])
        with pytest.raises(InvalidPayload, match=r"payload must be list\[int\]"):
            task.check_payload("5")

    def test_what_is_not_whole(self, app: FakeBackend) -> None:
        class Nameless(JobHandler):
            async def execute(self, payload: Any) -> Any: ...

        class Blocking(JobHandler):
            job_type = "blocking"

            def execute(self, payload: Any) -> Any: ...

        class Greedy(JobHandler):
            job_type = "greedy"

            async def execute(self, payload: Any, more: Any) -> Any: ...  # type: ignore[override]

        for handler, message in (
            (Nameless(), "job_type"),
            (Blocking(), "async def"),
            (Greedy(), "one payload"),
        ):
            with pytest.raises(InvalidInput, match=message):
                task_of_handler(handler, app)
