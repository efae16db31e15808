"""A task's parameters: bound by name at enqueue, checked there and again at run, converted back."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidInput, InvalidPayload
from taskforge.sdk import codec
from taskforge.sdk.annotations import annotation_of, is_context
from taskforge.sdk.dependencies import Dependency, check, dependency_of, of_annotation
from taskforge.sdk.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from taskforge.sdk.context import Context
    from taskforge.sdk.simple_types import Fits

_EMPTY = inspect.Parameter.empty


class Signature:
    """The parameters of one function, without a first one that is annotated ``Context``.

    ``dependencies`` are those that each attempt is given instead, by name; None where there are none.
    """

    def __init__(self, function: Callable[..., Any], task_name: str) -> None:
        self.task_name = task_name
        self._function = function
        parameters = list(_parameters(function, task_name))
        self.takes_context = bool(parameters) and is_context(function, parameters[0])
        if self.takes_context:
            del parameters[0]
        self.dependencies = _taken_dependencies(function, parameters, task_name)
        self._extra: inspect.Parameter | None = None
        if parameters and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD:
            self._extra = parameters.pop()
        for parameter in parameters:
            _check_kind(parameter, task_name)
        self._parameters = {parameter.name: parameter for parameter in parameters}
        by_position = [p for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]
        self._positional = tuple(p.name for p in by_position)
        self._all_by_position = len(by_position) if len(by_position) == len(parameters) else None
        self._positional_only = tuple(
            p.name for p in by_position if p.kind is inspect.Parameter.POSITIONAL_ONLY
        )
        self._required = frozenset(p.name for p in parameters if p.default is _EMPTY)
        self._values: dict[str, Value] | None = None
        self._extra_value: Value | None = None
        self._has_models = False
        self._fits: dict[str, Fits] = {}

    def dump(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """The arguments as a JSON object by parameter name. Raises InvalidPayload saying which is wrong."""
        if len(args) == self._all_by_position and not kwargs:
            bound = dict(zip(self._positional, args, strict=True))
        else:
            bound = self._bind(args, kwargs)
        values = self._values or self._resolved()
        if self._has_models:
            bound = {name: self._value(values, name).dump(value) for name, value in bound.items()}
        else:
            fits = self._fits
            for name, value in bound.items():
                fit = fits.get(name)
                if fit is None or not fit(value):
                    self._value(values, name).check(value)
        return codec.encode(bound, where="payload")

    def write(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """The same of values as JSON has them: a moment is a text there, a model an object. Raises InvalidPayload."""
        payload = codec.encode(self._bind(args, kwargs), where="payload")
        self.load(payload)
        return payload

    def load(self, payload: str, context: Context | None = None) -> tuple[list[Any], dict[str, Any]]:
        """``(args, kwargs)`` to call the function with. Raises InvalidPayload when the payload does not fit."""
        values = self._values or self._resolved()
        if self._has_models:
            members = _decode_members(payload)
            self._check_names(members)
            loaded = {
                name: self._value(values, name).load_text(bytes(text)) for name, text in members.items()
            }
        else:
            given = codec.decode(payload)
            if not isinstance(given, dict):
                raise self._error("the payload must be a JSON object of parameters by name")
            if given.keys() != self._parameters.keys():
                self._check_names(given)
            loaded = {
                name: (values.get(name) or self._value(values, name)).load(value)
                for name, value in given.items()
            }
        args: list[Any] = [context] if self.takes_context else []
        if not self._positional_only:
            return args, loaded
        for name in self._positional_only:
            default = self._parameters[name].default
            args.append(loaded.pop(name) if name in loaded else default)
        return args, loaded

    @property
    def names(self) -> Sequence[str]:
        """The names of the parameters."""
        return list(self._parameters)

    def named(self, payload: str) -> dict[str, Any]:
        """The arguments by parameter name, defaults among them. Raises InvalidPayload."""
        args, kwargs = self.load(payload)
        defaults = {name: p.default for name, p in self._parameters.items() if p.default is not _EMPTY}
        positional = zip(self._positional_only, args[int(self.takes_context) :], strict=True)
        given = {**defaults, **dict(positional), **kwargs}
        return {name: given[name] for name in self._parameters} | given

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the payload."""
        from taskforge.sdk.schemas import object_schema

        values = self._resolved()
        defaults = {n: p.default for n, p in self._parameters.items() if p.default is not _EMPTY}
        return object_schema(values, defaults, self._extra_value)

    def __str__(self) -> str:
        shown = [*self._parameters.values()]
        if self._extra is not None:
            shown.append(self._extra)
        return f"{self.task_name}{inspect.Signature(shown)}"

    def _bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        if len(args) > len(self._positional):
            raise self._error(f"takes {len(self._positional)} positional arguments, {len(args)} were given")
        bound = dict(zip(self._positional, args, strict=False))
        for name, value in kwargs.items():
            if name in bound:
                raise self._error(f"got two values for {name!r}", name)
            bound[name] = value
        self._check_names(bound)
        return bound

    def _check_names(self, given: Mapping[str, Any]) -> None:
        if self.dependencies is not None and not given.keys().isdisjoint(self.dependencies):
            name = next(name for name in given if name in self.dependencies)
            raise self._error(f"{name!r} is made for each attempt, it cannot be given", name)
        missing = self._required - given.keys()
        if missing:
            names = [name for name in self._parameters if name in missing]
            raise self._error(f"the argument {' and '.join(map(repr, names))} is missing", names[0])
        if self._extra is None and not given.keys() <= self._parameters.keys():
            name = next(name for name in given if name not in self._parameters)
            raise self._error(f"there is no parameter {name!r}", name)

    def _value(self, values: dict[str, Value], name: str) -> Value:
        value = values.get(name) or self._extra_value
        if value is None:
            raise self._error(f"there is no parameter {name!r}", name)
        if self._extra_value is value:
            return value.at(f"payload.{name}")
        return value

    def _resolved(self) -> dict[str, Value]:
        """Annotations are looked at when they are first needed: they may name what is defined later."""
        if self._values is None:
            function, task_name = self._function, self.task_name
            values = {
                name: Value(f"payload.{name}", annotation_of(function, parameter, task_name), task_name)
                for name, parameter in self._parameters.items()
            }
            if self._extra is not None:
                annotation = annotation_of(function, self._extra, task_name)
                self._extra_value = Value("payload", annotation, task_name)
            every = [*values.values(), *([self._extra_value] if self._extra_value else [])]
            self._check_annotations(every)
            self._has_models = any(value.needs_model for value in every)
            self._fits = {name: value.simple.fits for name, value in values.items() if value.simple}
            self._values = values
        return self._values

    def _check_annotations(self, values: Sequence[Value]) -> None:
        for value in values:
            if of_annotation(value.annotation) is not None:
                raise InvalidInput(
                    f"{self.task_name}: the Depends of {value.where.removeprefix('payload.')!r} was not there yet "
                    "when the task was made",
                    hint="define what its annotation names above the task",
                )

    def _error(self, message: str, name: str | None = None) -> InvalidPayload:
        return InvalidPayload(
            f"{self.task_name}: {message}",
            field="payload" if name is None else f"payload.{name}",
            hint=f"its signature is {self}",
        )


def _decode_members(payload: str) -> dict[str, Any]:
    """The members of a JSON object, each still as text."""
    import msgspec

    try:
        return msgspec.json.decode(payload, type=dict[str, msgspec.Raw])
    except (ValueError, RecursionError):
        codec.decode(payload)
        raise InvalidPayload(
            "the payload must be a JSON object of parameters by name", field="payload"
        ) from None


def _parameters(function: Callable[..., Any], task_name: str) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{task_name} cannot be a task: {error}") from None


def _taken_dependencies(
    function: Callable[..., Any], parameters: list[inspect.Parameter], task_name: str
) -> dict[str, Dependency] | None:
    """Takes those out of the list that are no arguments."""
    found: dict[str, Dependency] = {}
    for parameter in tuple(parameters):
        dependency = dependency_of(function, parameter)
        if dependency is None:
            continue
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise InvalidInput(
                f"{task_name}: the dependency {parameter.name!r} has to be given by name",
                field=parameter.name,
            )
        check(dependency)
        found[parameter.name] = dependency
        parameters.remove(parameter)
    return found or None


def _check_kind(parameter: inspect.Parameter, task_name: str) -> None:
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        raise InvalidInput(
            f"{task_name} cannot be a task: *{parameter.name} has no name for each of its values",
            field=parameter.name,
            hint=f"take a list instead: def ...({parameter.name}: list[...])",
        )
