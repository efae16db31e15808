"""What of a payload is not shown to everybody: members of certain names, wherever in it they stand, and texts that
repeat what these hold."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

REDACTED = "[redacted]"
"""Stands where a value is not shown."""
MOST_NAMES = 100
LONGEST_NAME = 100
SHORTEST_TEXT = 4
"""What is shorter is not looked for in texts: it would be found in every one, by chance."""
MOST_TEXTS = 200


def check_redacted_keys(names: Iterable[str]) -> tuple[str, ...]:
    """Names of members as they are compared: without regard to case, each once. Raises InvalidInput."""
    found = sorted({name.casefold() for name in names})
    if len(found) > MOST_NAMES:
        raise InvalidInput(f"{len(found)} names are more than {MOST_NAMES}", field="redacted_keys")
    for name in found:
        if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
            raise InvalidInput(
                f"a name of a member has 1 to {LONGEST_NAME} printable characters, not {name!r:.120}",
                field="redacted_keys",
            )
    return tuple(found)


def is_redacted(name: str, names: frozenset[str]) -> bool:
    """Whether a member of this name is one of ``names``."""
    return name.casefold() in names


def redact(value: Any, names: frozenset[str]) -> Any:
    """A JSON value with ``REDACTED`` for every member of these names; what is in it is not looked at."""
    if not names:
        return value
    if isinstance(value, dict):
        return {
            name: REDACTED if is_redacted(name, names) else redact(member, names)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [redact(element, names) for element in value]
    return value


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is not shown of a job to somebody: members of these names, and their values where texts repeat them."""

    names: frozenset[str]
    texts: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: frozenset[str], *values: Any) -> Redaction:
        """What the members of these names hold in a job's payload, result or checkpoint is looked for in its texts."""
        if not names:
            return NOTHING
        found = {text for value in values for held in _held(value, names) for text in spellings(held)}
        return cls(names, tuple(sorted(found, key=lambda text: (-len(text), text))[:MOST_TEXTS]))

    def text(self, text: str | None) -> str | None:
        """A text of the job: a message, a traceback, a line of its log."""
        if text is None:
            return None
        for hidden in self.texts:
            text = text.replace(hidden, REDACTED)
        return text

    def value(self, value: Any) -> Any:
        """Something that the job has said: without the members, and without their values in other texts of it."""
        return self._texts(redact(value, self.names)) if self.texts else redact(value, self.names)

    def _texts(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {name: self._texts(member) for name, member in value.items()}
        return [self._texts(element) for element in value] if isinstance(value, list) else value


NOTHING = Redaction(frozenset())


def _held(value: Any, names: frozenset[str]) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _scalars(member) if is_redacted(name, names) else _held(member, names)
    elif isinstance(value, list):
        for element in value:
            yield from _held(element, names)


def _scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _scalars(member)
    elif isinstance(value, str | int | float) and not isinstance(value, bool) and value != REDACTED:
        yield value


def spellings(value: Any) -> Iterator[str]:
    """As a text may repeat it: as it is, as JSON and as Python write it, with each line of its own."""
    if not isinstance(value, str):
        found = {str(value)}
    else:
        found = {
            value,
            json.dumps(value)[1:-1],
            json.dumps(value, ensure_ascii=False)[1:-1],
            repr(value)[1:-1],
        }
        found |= {line.strip() for line in value.splitlines()}
    yield from (text for text in found if len(text) >= SHORTEST_TEXT)


def restore(given: Any, before: Any, names: frozenset[str], *, where: str = "payload") -> Any:
    """A value that was sent back, with the members that were not shown put back from the one before.

    Within a list that is done for elements that come back as they were shown, at their place. Raises InvalidInput
    in ``where`` when it is not known what was meant.
    """
    if not names:
        return given
    if isinstance(given, dict):
        known = before if isinstance(before, dict) else {}
        return {name: _member(name, member, known, names, where) for name, member in given.items()}
    if isinstance(given, list):
        elements = before if isinstance(before, list) else []
        return [
            elements[at]
            if at < len(elements) and _is_same(element, redact(elements[at], names))
            else restore(element, None, names, where=where)
            for at, element in enumerate(given)
        ]
    return given


def _member(name: str, given: Any, before: dict[str, Any], names: frozenset[str], where: str) -> Any:
    if not is_redacted(name, names):
        return restore(given, before.get(name), names, where=where)
    if given != REDACTED:
        return given
    if name not in before:
        raise InvalidInput(
            f"there is nothing to keep for {name!r:.120}",
            field=where,
            hint="what is not shown can be kept at its place; elsewhere give its value",
        )
    return before[name]


def _is_same(one: Any, other: Any) -> bool:
    """As JSON, where 1 and true differ."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
