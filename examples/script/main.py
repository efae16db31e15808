"""A plain script: it enqueues, works in its own process until all is done, and prints what came of it.

python examples/script/main.py README.md docs/*.md
"""

import asyncio
import sys
from pathlib import Path

from taskforge import TaskForge

app = TaskForge("sqlite:///words.db")


@app.task(max_attempts=2)
def count_words(path: str) -> int:
    """How many words a file has."""
    return len(Path(path).read_text("utf-8").split())


async def main(paths: list[str]) -> None:
    """Killed and started again, it enqueues again: give a `key` to have each file once."""
    async with app, app.worker(concurrency=4):
        jobs = await app.aenqueue_many([count_words.job(path) for path in paths])
        counts = await asyncio.gather(*jobs, return_exceptions=True)
    for path, count in zip(paths, counts, strict=True):
        print(f"{path}: {count}")  # noqa: T201 - for whoever started it


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
