"""What this process writes nowhere: values that were registered as secret, and members of certain names.

It holds for what processes log, for the logs, errors and progress of executions, and for what tasks print. Payloads and
results are data: who sees which of their members is said by the organization.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidInput
from taskforge.domain.redaction import REDACTED, SHORTEST_TEXT, Redaction, check_redacted_keys, spellings

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMES = frozenset(
    {
        "access_token",
        "api_key",
        "apikey",
        "authorization",
        "client_secret",
        "cookie",
        "passwd",
        "password",
        "private_key",
        "refresh_token",
        "secret",
        "secret_key",
        "set-cookie",
        "token",
    }
)
"""Members of metadata that are never written, wherever they stand."""
MOST_VALUES = 1_000


class Secrets:
    """The secrets of a process. Reading is quick while there are none."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._redaction = Redaction(NAMES)

    def add(self, *values: str) -> None:
        """Never write these values. Raises InvalidInput for one that is too short to be looked for."""
        for value in values:
            if not isinstance(value, str) or len(value) < SHORTEST_TEXT:
                raise InvalidInput(
                    f"a secret is a text of at least {SHORTEST_TEXT} characters: a shorter one is found everywhere",
                    field="redact",
                )
        if len(self._values | set(values)) > MOST_VALUES:
            raise InvalidInput(f"more than {MOST_VALUES} secrets cannot be looked for", field="redact")
        self._values.update(values)
        texts = {text for value in self._values for text in spellings(value)}
        self._redaction = Redaction(
            self._redaction.names, tuple(sorted(texts, key=lambda text: (-len(text), text)))
        )

    def add_names(self, names: Iterable[str]) -> None:
        """Never write members of these names either. Raises InvalidInput."""
        known = self._redaction
        self._redaction = Redaction(known.names | frozenset(check_redacted_keys(names)), known.texts)

    def text(self, text: str) -> str:
        """A text without them."""
        for hidden in self._redaction.texts:
            if hidden in text:
                text = text.replace(hidden, REDACTED)
        return text

    def value(self, value: Any) -> Any:
        """A value of JSON without them."""
        return self._redaction.value(value)

    def forget(self) -> None:
        """Those that were added are none any more: for tests."""
        self._values.clear()
        self._redaction = Redaction(NAMES)


SECRETS = Secrets()
"""Those of this process."""
