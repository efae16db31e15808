"""The end of a run in numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskforge.demo.findings import FileFailure


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What the demo did. Durations are of the attempts that succeeded, in milliseconds."""

    run: str
    """The tag that all jobs of this run carry."""
    files: int
    files_in_library: int
    lines: int
    counts: Mapping[str, int]
    """All jobs of the run by status, the report's own job among them."""
    dead_letters: Sequence[FileFailure]
    retries: int
    seconds: float
    """From the enqueueing to the end of the last reading job."""
    jobs_per_second: float
    p50_milliseconds: float
    p95_milliseconds: float
    report: str
    csv: str
    database: str
    redis: str | None = None
    """What Redis did, if it was there."""

    @property
    def note(self) -> str | None:
        """What a reader might wonder about, said plainly."""
        if self.dead_letters:
            return None
        if self.files < self.files_in_library:
            return "Every file of this sample parses, so nothing failed; without --limit all are read."
        return (
            "Every file parses, so nothing failed. Files that do not are usually among the library's own tests, "
            "which some distributions leave out."
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON values; the names are stable."""
        return {
            "run": self.run,
            "files": self.files,
            "files_in_library": self.files_in_library,
            "lines": self.lines,
            "counts": dict(self.counts),
            "dead_letter": len(self.dead_letters),
            "dead_letters": [
                {"path": letter.path, "error": letter.error, "attempts": letter.attempts}
                for letter in self.dead_letters
            ],
            "retries": self.retries,
            "seconds": round(self.seconds, 3),
            "jobs_per_second": round(self.jobs_per_second, 2),
            "durations": {
                "p50_ms": round(self.p50_milliseconds, 3),
                "p95_ms": round(self.p95_milliseconds, 3),
            },
            "report": self.report,
            "csv": self.csv,
            "database": self.database,
            "redis": self.redis,
            "note": self.note,
        }

    def to_json(self) -> str:
        """One JSON object on one line."""
        return json.dumps(self.as_dict(), ensure_ascii=False)
