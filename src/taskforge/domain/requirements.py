"""What a job requires of the worker that runs it, or prefers, matched against what workers say they can."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from taskforge.domain.worker import Worker, WorkerType

Wish: TypeAlias = "str | int | float | bool | Sequence[str | int | float | bool]"
"""A value that a capability has to have, one of several, or a comparison such as ``">=2"`` or ``"!=arm"``."""

MOST_WISHES = 20
MAX_TEXT = 200
MOST_BYTES = 2_000
TYPE = "type"
"""The capability that every worker has: its type."""

_COMPARISON = re.compile(r"(>=|<=|>|<|!=|==)\s*(.+)")
_NUMERIC: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a job requires, and what it prefers among the workers that meet that. By the names of capabilities."""

    requires: Mapping[str, Wish] = field(default_factory=dict)
    prefers: Mapping[str, Wish] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_wishes(self.requires, "requires")
        check_wishes(self.prefers, "prefers")
        if len(self.text.encode()) > MOST_BYTES:
            raise InvalidInput(
                f"requires and prefers have more than {MOST_BYTES:,} bytes together", field="requires"
            )

    def to_json(self) -> dict[str, Any]:
        """As it is stored: what is said, without what is not."""
        found = {"requires": dict(self.requires), "prefers": dict(self.prefers)}
        return {name: wishes for name, wishes in found.items() if wishes}

    @property
    def text(self) -> str:
        """The same as JSON text: what claims go by. Equal for equal requirements."""
        import json  # tasks are declared without it

        return json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def unmet(self, capabilities: Mapping[str, Any]) -> Sequence[str]:
        """What it requires and these capabilities lack, in words; nothing: the job may run there."""
        return [
            f"{name} {_words(wish)}"
            for name, wish in self.requires.items()
            if not _is_met(wish, capabilities.get(name))
        ]

    def is_preferred(self, capabilities: Mapping[str, Any]) -> bool:
        """Whether everything that it prefers is there as well."""
        return all(_is_met(wish, capabilities.get(name)) for name, wish in self.prefers.items())


def abilities(capabilities: Mapping[str, Any], worker_type: WorkerType | str) -> dict[str, Any]:
    """What a worker can, its type among it."""
    return {**capabilities, TYPE: str(worker_type)}


def met_by(
    capabilities: Mapping[str, Any], requirements: Iterable[Requirements]
) -> tuple[Sequence[str], Sequence[str]]:
    """Which of these such a worker meets, as texts: first those it is preferred for, then the others."""
    best: list[str] = []
    second: list[str] = []
    for found in requirements:
        if not found.unmet(capabilities):
            (best if found.is_preferred(capabilities) else second).append(found.text)
    return best, second


def lacking(requires: Mapping[str, Wish], worker: Worker) -> Sequence[str]:
    """What a worker lacks of what is required, in words."""
    return Requirements(requires).unmet(abilities(worker.capabilities, worker.type))


def parse_requirements(text: str) -> Requirements:
    """Back from what is stored."""
    import json

    values = json.loads(text)
    return Requirements(values.get("requires", {}), values.get("prefers", {}))


def check_wishes(wishes: Any, field: str) -> None:
    """Raises InvalidInput for what is no object of wishes, naming the one that is wrong."""
    if not hasattr(wishes, "items") or len(wishes) > MOST_WISHES:
        raise InvalidInput(
            f"{field} must be at most {MOST_WISHES} capabilities with what they must be, not {wishes!r:.100}",
            field=field,
            hint='such as {"gpu": ">=1", "region": "id"}',
        )
    for name, wish in wishes.items():
        if not isinstance(name, str) or not 1 <= len(name) <= 100 or not name.isprintable():
            raise InvalidInput(f"{field}: {name!r:.120} cannot be the name of a capability", field=field)
        values = wish if isinstance(wish, list | tuple) else [wish]
        if not values or not all(_is_value(value) for value in values):
            raise InvalidInput(
                f"{field}: {name} must be a text, a number, true, false or a list of these, not {wish!r:.100}",
                field=f"{field}.{name}",
            )
        for value in values:
            _check_comparison(name, value, field)


def check_capabilities(capabilities: Any) -> None:
    """Raises InvalidInput for what is no object of plain values."""
    if not isinstance(capabilities, dict):
        raise InvalidInput(
            f"capabilities must be an object, not {capabilities!r:.100}",
            field="capabilities",
            hint='such as {"gpu": 2, "region": "id"}',
        )
    for name in capabilities:
        if not isinstance(name, str) or not 1 <= len(name) <= 100 or not name.isprintable():
            raise InvalidInput(f"{name!r:.120} cannot be the name of a capability", field="capabilities")
        if name == TYPE:
            raise InvalidInput(
                "the capability `type` is the worker's own type", field="capabilities", hint="use --type"
            )


def _check_comparison(name: str, value: Any, field: str) -> None:
    found = _COMPARISON.fullmatch(value) if isinstance(value, str) else None
    if found is not None and found[1] in _NUMERIC and _number(found[2]) is None:
        raise InvalidInput(
            f"{field}: {name} is compared by {found[1]}, so a number has to follow, not {found[2]!r:.100}",
            field=f"{field}.{name}",
        )


def _is_value(value: Any) -> bool:
    if isinstance(value, float):
        return value == value and abs(value) != float("inf")
    return isinstance(value, bool | int) or (isinstance(value, str) and len(value) <= MAX_TEXT)


def _is_met(wish: Any, have: Any) -> bool:
    if isinstance(wish, list | tuple):
        return any(_is_met(one, have) for one in wish)
    if isinstance(have, list | tuple):
        return any(_is_met(wish, one) for one in have)
    if have is None:
        return False
    if isinstance(wish, str):
        return _matcher(wish)(have)
    if isinstance(wish, bool) or isinstance(have, bool):
        return wish is have
    return bool(wish == have)


@lru_cache(maxsize=1024)
def _matcher(wish: str) -> Callable[[Any], bool]:
    found = _COMPARISON.fullmatch(wish)
    if found is None:
        return lambda have: _text(have) == wish
    sign, operand = found[1], found[2].strip()
    if sign in ("==", "!="):
        return lambda have: (_text(have) == operand) == (sign == "==")
    compare, limit = _NUMERIC[sign], _number(operand)

    def is_met(have: Any) -> bool:
        number = None if isinstance(have, bool) else _number(have)
        return number is not None and limit is not None and compare(number, limit)

    return is_met


def _number(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if found == found else None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _words(wish: Any) -> str:
    if isinstance(wish, list | tuple):
        return "one of " + ", ".join(_text(value) for value in wish)
    return _text(wish) if isinstance(wish, str) and _COMPARISON.fullmatch(wish) else f"= {_text(wish)}"
