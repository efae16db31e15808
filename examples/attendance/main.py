"""Attendance: a FastAPI application with a scheduled job, and TaskForge's admin API beside its own routes.

    python examples/attendance/main.py

It keeps everything in attendance.db; TASKFORGE_DATABASE_URL names another database, on PostgreSQL as well.
ATTENDANCE_CRON moves the job, such as to every five seconds: "*/5 * * * * *".
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator  # noqa: TC003 - FastAPI reads it
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException
from job import AutoCreateDailyAttendanceJob, today
from store import Store
from workforce import LocalWorkforce

from taskforge import TaskForge
from taskforge.domain.access import BuiltinRole
from taskforge.domain.ids import DEFAULT_ORGANIZATION

URL = os.environ.get("TASKFORGE_DATABASE_URL", "sqlite:///attendance.db")
SECRET = os.environ.get("TASKFORGE_SECRET_KEY") or secrets.token_urlsafe(32)

store = Store(URL)
tasks = TaskForge(URL, secret_key=SECRET)
tasks.register(AutoCreateDailyAttendanceJob(store, LocalWorkforce(store)))


@asynccontextmanager
async def lifespan(web: FastAPI) -> AsyncIterator[None]:
    """The tables, then a scheduler and a worker: any number of web workers may do this at once."""
    await store.open()
    async with tasks.lifespan(worker=True, scheduler=True)(web):
        yield
    await store.close()


web = FastAPI(title="Attendance", lifespan=lifespan)


@web.post("/employees/{employee_id}", status_code=201)
async def add_employee(employee_id: str, name: str) -> dict[str, str]:
    """Somebody who works here."""
    await store.run(
        "INSERT INTO employees (id, name) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING", employee_id, name
    )
    return {"id": employee_id, "name": name}


@web.get("/attendance")
async def attendance() -> list[dict[str, Any]]:
    """Who came today."""
    rows = await store.run(
        "SELECT employee_id, status, clocked_in_at FROM attendance WHERE day = $1 ORDER BY employee_id",
        today(),
    )
    return [{"employee_id": row[0], "status": row[1], "clocked_in_at": row[2]} for row in rows]


@web.post("/attendance/{employee_id}/clock-in")
async def clock_in(employee_id: str) -> dict[str, str]:
    """Somebody has come."""
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    rows = await store.run(
        "UPDATE attendance SET status = 'present', clocked_in_at = $1 WHERE employee_id = $2 AND day = $3"
        " RETURNING employee_id",
        moment,
        employee_id,
        today(),
    )
    if not rows:
        raise HTTPException(404, "there is no attendance of this employee for today")
    return {"employee_id": employee_id, "status": "present"}


tasks.mount(web, "/")


async def make_key() -> str:
    """A key for the admin API."""
    keys = (await tasks.platform()).security.keys
    _, text = await keys.create(DEFAULT_ORGANIZATION, "attendance", role=BuiltinRole.OPERATOR)
    await tasks.aclose()
    return text


if __name__ == "__main__":
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", int(os.environ.get("PORT", "8002"))))
        listener.listen()
        print(f"key: {asyncio.run(make_key())}", flush=True)  # noqa: T201 - for whoever started it
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201 - for whoever started it
        uvicorn.Server(uvicorn.Config(web, log_level="warning")).run(sockets=[listener])
