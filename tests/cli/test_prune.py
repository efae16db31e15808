"""``taskforge prune``: what is old goes, and nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

AGE = """
-- as if they had been made, and had ended, ten days ago
UPDATE executions SET job_id = '01900000' || substr(job_id, 9);
UPDATE jobs SET id = '01900000' || substr(id, 9), completed_at = completed_at - 10 * 86400000000;
"""


def make_older(shop: CommandLine) -> None:
    """Make all jobs, which have ended, ten days older."""
    [path] = shop.folder.glob("**/*.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(AGE)


def test_what_is_old_goes_and_nothing_else(shop: CommandLine) -> None:
    assert "no finished job is older than it is kept" in shop.ok("prune").out
    shop.ok("run", "add", 1)
    assert shop("run", "fail", "no").code != 0
    make_older(shop)
    shop.ok("run", "add", 2)
    preview = shop.ok("prune", "--dry-run", "--json").json
    assert (preview["dry_run"], preview["total"]) == (True, 1)
    assert preview["jobs"] == [{"queue": "default", "status": "succeeded", "jobs": 1}]
    assert shop.ok("prune", "--dry-run").out.split()[-3:] == ["default", "succeeded", "1"]
    assert {**preview, "dry_run": False} == shop.ok("prune", "--json").json
    left = [(job["job_type"], job["status"]) for job in shop.ok("jobs", "list", "--json").json["jobs"]]
    assert sorted(left) == [("tasks.add", "succeeded"), ("tasks.fail", "failed")]
    assert shop.ok("prune", "--json").json["total"] == 0
