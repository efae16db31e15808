"""``Annotated[Db, Depends(get_db)]``: parameters of a task that are not in its payload, but made for each attempt.

A dependency is a function (plain or async, or a generator that yields once), a class or another callable. It may have
dependencies itself, and take the `Context`. FastAPI's own ``Depends`` is understood as well, so that both share them.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, get_origin

from taskforge.domain.errors import InvalidInput
from taskforge.sdk.annotations import evaluated, is_context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Kind: TypeAlias = Literal["plain", "async", "generator", "async generator"]
_SIMPLE = frozenset({"int", "str", "float", "bool", "bytes", "dict", "list", "None", "object", "Any"})


class Dependency(NamedTuple):
    """What ``Depends`` makes. ``use_cache``: those who need the same function within an attempt share its value."""

    function: Callable[..., Any]
    use_cache: bool = True


def Depends(dependency: Callable[..., Any], *, use_cache: bool = True) -> Any:
    """A parameter that each attempt gets from ``dependency``: ``db: Annotated[Db, Depends(get_db)]``.

    It is no argument of ``enqueue``. Written as a default (``db: Db = Depends(get_db)``) type checkers see that too.
    Raises InvalidInput when it cannot be called.
    """
    if not callable(dependency):
        raise InvalidInput(f"Depends takes what can be called, not {dependency!r}", field="dependency")
    return Dependency(dependency, use_cache)


class Provider(NamedTuple):
    """How a dependency is called: ``needs`` are its own dependencies by parameter, ``contexts`` take the context."""

    function: Callable[..., Any]
    kind: Kind
    needs: Mapping[str, Dependency]
    contexts: tuple[str, ...]


def dependency_of(function: Callable[..., Any], parameter: inspect.Parameter) -> Dependency | None:
    """The dependency that the parameter stands for, if it is one."""
    default = _known(parameter.default)
    if default is not None:
        return default
    annotation = parameter.annotation
    if isinstance(annotation, str):
        if annotation in _SIMPLE:
            return None
        try:
            annotation = evaluated(function, annotation)
        except Exception as error:  # a name under TYPE_CHECKING, or one that is defined later
            if "Depends(" in annotation:
                raise InvalidInput(
                    f"the annotation of {parameter.name!r} cannot be read: {annotation} ({error})",
                    field=parameter.name,
                    hint="import what it names outside of `if TYPE_CHECKING:`, above the function",
                ) from error
            return None
    return of_annotation(annotation)


def of_annotation(annotation: Any) -> Dependency | None:
    """The dependency within ``Annotated[...]``, if there is one."""
    metadata = getattr(annotation, "__metadata__", None)
    if metadata is None:
        return None
    return next((found for mark in metadata if (found := _known(mark)) is not None), None)


def provider_of(function: Callable[..., Any]) -> Provider:
    """How to call it. Raises InvalidInput when it has a parameter that nothing gives."""
    name = getattr(function, "__qualname__", repr(function))
    plain = _plain(function)
    needs: dict[str, Dependency] = {}
    contexts: list[str] = []
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{name} cannot be a dependency: {error}") from None
    for parameter in parameters:
        needed = dependency_of(plain, parameter)
        if needed is not None:
            needs[parameter.name] = needed
        elif is_context(plain, parameter):
            contexts.append(parameter.name)
        elif parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            raise InvalidInput(
                f"nothing gives the dependency {name} its parameter {parameter.name!r}",
                field=parameter.name,
                hint="a Context, another Depends(...), or a default",
            )
    by_position = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY and p.default is p.empty]
    if by_position:
        raise InvalidInput(f"the dependency {name} takes {by_position[0]!r} by position only")
    return Provider(function, _kind(plain), needs, tuple(contexts))


def check(dependency: Dependency, path: tuple[Callable[..., Any], ...] = ()) -> None:
    """Raises InvalidInput unless all that it needs can be given."""
    if dependency.function in path:
        raise InvalidInput(
            f"the dependency {getattr(dependency.function, '__qualname__', dependency.function)} needs itself"
        )
    for needed in provider_of(dependency.function).needs.values():
        check(needed, (*path, dependency.function))


def _known(mark: object) -> Dependency | None:
    if isinstance(mark, Dependency):
        return mark
    kind = type(mark)
    if kind.__name__ in ("Depends", "Security") and kind.__module__ == "fastapi.params":
        function: Any = getattr(mark, "dependency", None)
        return None if function is None else Dependency(function, getattr(mark, "use_cache", True))
    return None


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function whose code and annotations are meant."""
    origin: Any = get_origin(function) or function
    while hasattr(origin, "func"):  # functools.partial
        origin = origin.func
    if inspect.isclass(origin):
        origin = origin.__init__
    elif not inspect.isroutine(origin):
        origin = type(origin).__call__
    plain: Callable[..., Any] = inspect.unwrap(origin)
    return plain


def _kind(plain: Callable[..., Any]) -> Kind:
    if inspect.isasyncgenfunction(plain):
        return "async generator"
    if inspect.isgeneratorfunction(plain):
        return "generator"
    return "async" if inspect.iscoroutinefunction(plain) else "plain"
