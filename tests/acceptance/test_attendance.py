"""The example application of scheduled jobs, started by its one command and used through its API."""

from __future__ import annotations

import json
import signal
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest

from tests.acceptance.fleet import ROOT
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.support.processes import Processes

pytestmark = [pytest.mark.timeout(90)]
JOB = "/api/v1/scheduled-jobs/auto_create_daily_attendance"


def test_the_session_of_the_readme(database_url: str, processes: Processes) -> None:
    environment = {
        "TASKFORGE_DATABASE_URL": database_url,
        "ATTENDANCE_CRON": "* * * * * *",
        "PORT": "0",
        "PYTHONPATH": str(ROOT / "src"),
    }
    program = processes.start(sys.executable, ROOT / "examples/attendance/main.py", environment=environment)
    key = program.wait_for(r"^key: (\S+)$", 40)[1]
    address = program.wait_for(r"^(http://\S+)$")[1]

    def call(method: str, path: str) -> Any:
        headers = {"Authorization": f"Bearer {key}", "Accept-Language": "id"}
        request = Request(address + path, method=method, headers=headers)  # noqa: S310 - our own program
        with urlopen(request, timeout=40) as answer:  # noqa: S310 - our own program
            return json.load(answer)

    for employee in ("ani", "budi"):
        call("POST", f"/employees/{employee}?name={employee}")
    deadline = time.monotonic() + 30
    wait_until(lambda: len(call("GET", "/attendance")) == 2, 30)  # by its schedule
    assert {row["status"] for row in call("GET", "/attendance")} == {"absent"}
    assert call("POST", "/attendance/ani/clock-in")["status"] == "present"
    listed = call("GET", "/api/v1/scheduled-jobs")
    assert (listed["status"], listed["message"]) == ("success", "Ditemukan 1 scheduled jobs")
    again = None
    while again is None:  # a run by its schedule may be under way
        try:
            again = call("POST", f"{JOB}/trigger")
        except OSError:
            assert time.monotonic() < deadline, program.output
    assert again["message"] == "Job berhasil dijalankan"
    assert again["data"]["result"]["data"] == {"created": 0, "skipped": 2, "errors": 0}
    assert [row["status"] for row in call("GET", "/attendance")] == ["present", "absent"]
    history = call("GET", f"{JOB}/history?page=1&limit=20&success=true")
    assert sum(run["result_data"]["created"] for run in history["data"]) == 2
    assert history["data"][0]["duration_seconds"] >= 0
    program.terminate()
    assert program.wait(30) in (0, -signal.SIGTERM), program.output  # uvicorn raises the signal again
