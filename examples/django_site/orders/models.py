"""What the site keeps."""

from django.db import models


class Order(models.Model):
    """An order. ``result_id`` is that of the task which ships it."""

    item = models.CharField(max_length=100)
    result_id = models.CharField(max_length=64)
    shipped = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.item} ({self.pk})"
