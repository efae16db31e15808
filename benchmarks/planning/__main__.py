"""`python -m benchmarks.planning` prints the tables; with `--docs` they go to docs/planning.md, with the picture."""

from __future__ import annotations

import sys

from benchmarks.planning import report
from scripts.generate_docs import DOCS, filled

PAGE, PICTURE = DOCS / "planning.md", DOCS / "images" / "planning.svg"


def main() -> None:
    """Play all of it."""
    courses = report.played()
    parts = {
        "assumptions": report.assumption_table(),
        "databases": report.shard_table(),
        "days": report.day_table(courses),
        "moments": report.moment_table(),
    }
    if "--docs" not in sys.argv:
        print("\n\n".join(parts.values()))
        return
    PAGE.write_text(filled(PAGE, parts), "utf-8")
    PICTURE.write_text(report.drawing(courses), "utf-8")
    print(f"wrote {PAGE} and {PICTURE}")


if __name__ == "__main__":
    main()
