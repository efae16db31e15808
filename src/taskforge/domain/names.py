"""What names and priorities are like. Apart from queues, whose rows `import taskforge` does not need."""

from __future__ import annotations

from taskforge.domain.errors import InvalidInput

MAX_NAME = 100
MAX_PRIORITY = 9


def check_name(name: str, what: str = "queue name", *, field: str = "name") -> str:
    """The name, if it is 1 to 100 printable characters without white space at its ends."""
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME:
        raise InvalidInput(f"{what} must be 1 to {MAX_NAME} characters, not {name!r:.120}", field=field)
    if name != name.strip() or not name.isprintable():
        raise InvalidInput(
            f"{what} must be printable and not start or end with a space: {name!r}", field=field
        )
    return name


def check_priority(priority: int) -> int:
    """The priority, if it is a whole number from 0 to 9."""
    if not isinstance(priority, int) or isinstance(priority, bool) or not 0 <= priority <= MAX_PRIORITY:
        raise InvalidInput(
            f"priority must be a whole number from 0 to {MAX_PRIORITY} (higher runs first), not {priority!r}",
            field="priority",
        )
    return priority
