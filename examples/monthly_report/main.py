"""A report of each month, made by schedule on the first day of the next one: US-JOB-01.

    taskforge dev examples/monthly_report/main.py

Sales are in sales.db (SALES_DB names another file). One by hand, beside it:

    taskforge run --app examples/monthly_report/main.py monthly_report month=2026-10
"""

import os
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from taskforge import Context, Dead, Depends, TaskForge

ZONE = "Asia/Jakarta"
TABLES = """
CREATE TABLE IF NOT EXISTS sales (day TEXT NOT NULL, product TEXT NOT NULL, amount INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS reports (
  month TEXT NOT NULL, product TEXT NOT NULL, sold INTEGER NOT NULL, amount INTEGER NOT NULL,
  PRIMARY KEY (month, product)
);
"""

app = TaskForge()


def get_sales() -> Iterator[sqlite3.Connection]:
    """The database of the sales, in one transaction: a report is there as a whole or not at all."""
    connection = sqlite3.connect(os.environ.get("SALES_DB", "sales.db"), timeout=10)
    try:
        connection.executescript(TABLES)
        with connection:
            yield connection
    finally:
        connection.close()


def last_month(today: datetime) -> str:
    """The month before, as 2026-10."""
    return (today.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")


@app.task(
    name="monthly_report",
    queue="reports",
    cron="0 6 1 * *",
    timezone=ZONE,
    schedule={"missed": "one", "catch_up": "7d"},  # a month without a report is worse than a late one
    max_attempts=5,
    retry_base=60,
    timeout="30m",
)
def monthly_report(
    ctx: Context, sales: Annotated[sqlite3.Connection, Depends(get_sales)], month: str = ""
) -> dict[str, int]:
    """Sum up a month by product. Made twice it is the same report."""
    month = month or last_month(datetime.now(ZoneInfo(ZONE)))
    try:
        datetime.strptime(month, "%Y-%m")  # noqa: DTZ007 - no time, a month
    except ValueError:
        raise Dead(f"{month!r} is no month; 2026-10 is one") from None
    rows = sales.execute(
        "SELECT product, count(*), sum(amount) FROM sales WHERE substr(day, 1, 7) = ? GROUP BY product ORDER BY product",
        (month,),
    ).fetchall()
    for done, (product, sold, amount) in enumerate(rows, 1):
        sales.execute(
            "INSERT INTO reports VALUES (?, ?, ?, ?) ON CONFLICT (month, product) DO UPDATE"
            " SET sold = excluded.sold, amount = excluded.amount",
            (month, product, sold, amount),
        )
        ctx.progress(done, len(rows), product)
    ctx.log.info("report is written", month=month, products=len(rows))
    return {"products": len(rows), "amount": sum(amount for _, _, amount in rows)}
