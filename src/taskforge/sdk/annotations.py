"""Reads annotations, also those that `from __future__ import annotations` left as texts."""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidInput
from taskforge.sdk.context import Context

if TYPE_CHECKING:
    from collections.abc import Callable


def is_context(function: Callable[..., Any], parameter: inspect.Parameter) -> bool:
    """Whether the parameter is annotated ``Context``; such an annotation need not exist at run time."""
    annotation = parameter.annotation
    if not isinstance(annotation, str):
        return isinstance(annotation, type) and issubclass(annotation, Context)
    try:
        found = evaluated(function, annotation)
    except Exception:  # a name under TYPE_CHECKING, or one that is defined later
        return annotation.rpartition(".")[2] == Context.__name__
    return isinstance(found, type) and issubclass(found, Context)


def annotation_of(function: Callable[..., Any], parameter: inspect.Parameter, task_name: str) -> Any:
    """The annotation as an object; ``Any`` where there is none. Raises InvalidInput when it cannot be read."""
    return _resolve(function, parameter.annotation, f"parameter {parameter.name!r}", task_name)


def return_annotation_of(function: Callable[..., Any], task_name: str) -> Any:
    """What the function says it returns; ``Any`` where it says nothing."""
    return _resolve(function, inspect.signature(function).return_annotation, "the result", task_name)


def evaluated(function: Callable[..., Any], annotation: Any) -> Any:
    """``get_type_hints`` of one annotation, where the function can see its names. Raises what that raises."""
    plain = inspect.unwrap(function)
    plain = getattr(plain, "__func__", plain)
    namespace: dict[str, Any] = getattr(plain, "__globals__", {})
    enclosing = {**_closure(plain), **{t.__name__: t for t in getattr(plain, "__type_params__", ())}}
    holder = type("Holder", (), {"__annotations__": {"it": annotation}})
    return typing.get_type_hints(holder, namespace, enclosing, include_extras=True)["it"]


def _resolve(function: Callable[..., Any], annotation: Any, what: str, task_name: str) -> Any:
    if annotation is inspect.Parameter.empty:
        return Any
    try:
        return evaluated(function, annotation)
    except Exception as error:
        raise InvalidInput(
            f"{task_name}: the annotation of {what} cannot be read at run time: {annotation} ({error})",
            hint="import its type outside of `if TYPE_CHECKING:`, at module level",
        ) from error


def _closure(function: Any) -> dict[str, Any]:
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    if code is None or not cells:
        return {}
    found = {}
    for name, cell in zip(code.co_freevars, cells, strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return found
