"""``Prefer`` (RFC 7240): what the caller would like the answer to look like."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Preferences(NamedTuple):
    """``representation``: None leaves it to the operation; without ``envelope`` the data comes alone.

    ``wait`` is in seconds.
    """

    representation: bool | None = None
    envelope: bool = True
    wait: int | None = None

    @property
    def applied(self) -> str:
        """What ``Preference-Applied`` says."""
        said = []
        if self.representation is not None:
            said.append("return=representation" if self.representation else "return=minimal")
        if not self.envelope:
            said.append("envelope=none")
        return ", ".join(said)


def preferences_of(headers: Sequence[str]) -> Preferences:
    """The preferences we know; others are ignored, as the RFC wants it. The first of a name counts."""
    found: dict[str, str] = {}
    for part in ",".join(headers).split(",")[:20]:
        name, _, value = part.partition(";")[0].partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"').lower())
    wait = found.get("wait", "")
    return Preferences(
        representation={"representation": True, "minimal": False}.get(found.get("return", "")),
        envelope=found.get("envelope") != "none",
        wait=min(int(wait), 60) if wait.isascii() and wait.isdecimal() and len(wait) < 6 else None,
    )
