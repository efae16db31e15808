"""A burst of real work: worker processes come up to the maximum, and leave when it is done."""

from pathlib import Path

import pytest

from scripts.demo_scaling import story, wrong_with

pytestmark = [pytest.mark.anyio, pytest.mark.chaos, pytest.mark.timeout(300)]
JOBS, WORKERS = 12, 2


async def test_workers_come_and_go_with_the_work(database_url: str, tmp_path: Path) -> None:
    lines: list[str] = []
    found = await story(
        database_url, tmp_path, jobs=JOBS, seconds=0.05, workers=WORKERS, patience=240, tell=lines.append
    )
    log = (tmp_path / "autoscaler.log").read_text()
    assert wrong_with(found, JOBS, WORKERS) == [], (lines, found.decisions, log)
