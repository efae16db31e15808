"""The keys that a task gives its jobs: made of the arguments of each call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from taskforge.domain.job_options import JobOptions

KeyMaker: TypeAlias = str | Callable[..., str | None]
"""A text with parameters in braces (``invoice-{number}``), or a function of the task's parameters by name."""


class TaskKeys:
    """What a task says about the keys of its jobs. What a call says itself goes before."""

    def __init__(self, task_name: str, makers: Mapping[str, KeyMaker], parameters: Collection[str]) -> None:
        self._task_name = task_name
        self._makers = makers
        for field, maker in makers.items():
            if isinstance(maker, str):
                self._check_template(field, maker, parameters)
            elif not callable(maker):
                raise InvalidInput(f"{field} must be a text or a function, not {maker!r:.120}", field=field)

    def complete(self, options: JobOptions, arguments: Mapping[str, Any]) -> JobOptions:
        """The options with the keys of a call with these arguments. A function may answer None: no key."""
        made: dict[str, Any] = {
            field: self._make(field, maker, arguments)
            for field, maker in self._makers.items()
            if getattr(options, field) is None
        }
        return replace(options, **made) if made else options

    def _make(self, field: str, maker: KeyMaker, arguments: Mapping[str, Any]) -> str | None:
        try:
            return maker.format(**arguments) if isinstance(maker, str) else maker(**arguments)
        except Exception as error:
            raise InvalidInput(
                f"{self._task_name}: {field} cannot be made of these arguments: {type(error).__name__}: {error}",
                field=field,
            ) from error

    def _check_template(self, field: str, template: str, parameters: Collection[str]) -> None:
        from string import Formatter

        try:
            names = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
        except ValueError as error:
            raise InvalidInput(f"{self._task_name}: {field} {template!r}: {error}", field=field) from None
        for name in names:
            if name.split(".")[0].split("[")[0] not in parameters:
                raise InvalidInput(
                    f"{self._task_name}: {field} {template!r} names {{{name}}}, which is no parameter",
                    field=field,
                    hint=f"parameters: {', '.join(parameters) or 'none'}; a brace itself is written {{{{",
                )
