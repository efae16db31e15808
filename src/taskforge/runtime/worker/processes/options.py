"""What a worker is told of its child processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ProcessOptions:
    """A child is replaced after ``max_jobs`` jobs, or when it occupies more than ``max_rss`` bytes after one;
    0: never. ``settings`` are those that the application has here and might not have there by itself.
    """

    max_jobs: int = 1000
    max_rss: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
