"""Each night, a row for every active employee: absent, until they clock in."""

from __future__ import annotations

import logging
import os
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from taskforge import BaseScheduledJob

if TYPE_CHECKING:
    from store import Store
    from workforce import WorkforceService

logger = logging.getLogger(__name__)
ZONE = "Asia/Jakarta"


def today() -> str:
    """The date in Jakarta."""
    return datetime.now(ZoneInfo(ZONE)).date().isoformat()


class AutoCreateDailyAttendanceJob(BaseScheduledJob):
    """Without a row nobody could tell who never came."""

    job_id = "auto_create_daily_attendance"
    description = "Auto-create attendance records for all active employees"
    cron = os.environ.get("ATTENDANCE_CRON", "30 0 * * *")
    timezone = ZONE
    max_retries = 3
    retry_delay_seconds = 60

    def __init__(self, store: Store, workforce: WorkforceService) -> None:
        self._store = store
        self._workforce = workforce

    async def execute(self) -> dict[str, Any]:
        day = today()
        counts = {"created": 0, "skipped": 0, "errors": 0}
        for employee in await self._workforce.active_employees():
            try:
                made = await self._store.run(
                    "INSERT INTO attendance (employee_id, day, status) VALUES ($1, $2, 'absent')"
                    " ON CONFLICT (employee_id, day) DO NOTHING RETURNING employee_id",
                    employee,
                    day,
                )
            except Exception:  # one employee's trouble is not that of the others
                logger.exception("no attendance for employee %s", employee)
                counts["errors"] += 1
            else:
                counts["created" if made else "skipped"] += 1
        return {"success": True, "message": f"Auto-create attendance selesai untuk {day}", "data": counts}
