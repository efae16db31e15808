"""Tasks of every kind that the dashboard has to show: quick, slow, failing, unhappy with their input."""

import asyncio

from taskforge import Context, TaskForge

app = TaskForge()


class CardDeclined(Exception):
    """What the bank says."""


@app.task(queue="mail", max_attempts=2)
def send_mail(to: str, subject: str) -> dict[str, object]:
    """Send one mail to a customer."""
    if "@" not in to:
        raise ConnectionError(f"smtp.example.com knows no address {to!r}")
    return {"to": to, "sent": True}


@app.task(queue="billing", max_attempts=1)
def charge(invoice: int, amount: float, currency: str = "IDR") -> dict[str, object]:
    """Charge an invoice to the customer's card."""
    if invoice % 7 == 0:
        raise CardDeclined(f"the issuer declined invoice {invoice}: insufficient funds")
    return {"invoice": invoice, "charged": amount, "currency": currency}


@app.task(queue="reports", timeout=900)
async def monthly_report(ctx: Context, month: str) -> dict[str, str]:
    """Add up a month, region by region."""
    for region in range(1, 2000):
        ctx.log.info("region added up", region=region, rows=region * 17)
        if region % 25 == 0:
            ctx.log.warning("rows without a date were left out", region=region)
        ctx.progress(region, 2000, f"region {region}")
        await asyncio.sleep(0.4)
    return {"month": month}


@app.task
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@app.task(queue="reports", cron="30 2 * * *", timezone="Europe/Berlin", schedule={"missed": "skip"})
def close_books(day: str = "yesterday") -> dict[str, object]:
    """Close the books of a day."""
    return {"day": day, "closed": True}
