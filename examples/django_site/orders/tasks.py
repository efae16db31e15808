"""What is done in the background."""

from typing import Any

try:
    from django.tasks import task
except ImportError:  # before Django 6
    from django_tasks import task

from orders.models import Order
from taskforge import current_job


@task(takes_context=True)
def ship(context: Any, number: int) -> str:
    """Ship an order. It may run twice, and then changes nothing."""
    changed = Order.objects.filter(pk=number, shipped=False).update(shipped=True)
    current_job().log.info("shipped" if changed else "shipped before", attempt=context.attempt)
    return f"order {number} is on its way"
