"""The backend that ``TASKS`` names. There is one for each thread; what they share is the application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core import checks

from taskforge.contrib.django.app import application_of
from taskforge.contrib.django.framework import BaseTaskBackend, signals
from taskforge.domain.errors import TaskforgeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskforge.contrib.django.app import DjangoApplication


class TaskForgeBackend(BaseTaskBackend):  # type: ignore[misc] # Django has no types
    """Django's tasks as jobs of TaskForge, with all that the interface can ask of a backend."""

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    @property
    def app(self) -> DjangoApplication:
        """The TaskForge application: queues, control, insights, `taskforge.testing.Harness` ..."""
        return application_of(self.alias, self.options, self.queues)

    def validate_task(self, task: Any) -> None:
        """Whether the task can be run here; from now on workers of this process know it. Raises InvalidTask."""
        super().validate_task(task)
        self.app.know(task)

    def enqueue(self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Make a job of the call; it is committed, or will be with the transaction that is open in Django's database."""
        self.validate_task(task)
        result = self.app.submit_task(task, args, kwargs)
        signals.task_enqueued.send_robust(sender=type(self), task_result=result)
        return result

    def get_result(self, result_id: str) -> Any:
        """How a job stands, as the record has it. Raises TaskResultDoesNotExist."""
        return self.app.run_sync(self.app.find_result, result_id)

    def check(self, **kwargs: Any) -> list[Any]:
        """For ``manage.py check``: whether the options make sense. Nothing is opened."""
        from taskforge.settings import load_settings
        from taskforge.storage.address import parse_address

        try:
            parse_address(load_settings(self.app.arguments).database_url)
        except TaskforgeError as error:
            return [
                checks.Error(f"TASKS[{self.alias!r}]: {error.message}", hint=error.hint, id="taskforge.E001")
            ]
        return []
