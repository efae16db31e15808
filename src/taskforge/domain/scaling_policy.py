"""The scaling policy of a queue: what people say about how many workers it should have."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_WORKERS = 1000
LONGEST_COOLDOWN = 86_400
LONGEST_TARGET = 255
FIRST_BACKOFF_SECONDS = 5
LONGEST_BACKOFF_SECONDS = 600


class ProvisionerKind(StrEnum):
    """Whose hand starts and stops workers. ``none``: nobody's, the decision is only told."""

    NONE = "none"
    LOCAL = "local"
    KUBERNETES = "kubernetes"
    WEBHOOK = "webhook"


class ScalingAction(StrEnum):
    """What is to be done."""

    SCALE_UP = "scale_up"
    SCALE_DOWN = "scale_down"


@dataclass(frozen=True, slots=True)
class ScalingPolicy:
    """How many workers a queue should have. Its length are the jobs that wait or run in it.

    ``target_queue_length`` is the length that one worker is to see to, ``target_worker_utilization`` per cent of the
    workers' slots, ``target_age_seconds`` how long the oldest ready job may wait (None: any time). More workers are
    only asked for when the queue is longer than ``scale_up_threshold`` or that age is exceeded, fewer only when it is
    shorter than ``scale_down_threshold``. Cooldowns are seconds since the last change in either direction.
    ``target`` is what the provisioner scales: the name of a Deployment.
    """

    min_workers: int = 0
    max_workers: int = 10
    target_queue_length: int = 10
    target_worker_utilization: int = 80
    target_age_seconds: int | None = None
    scale_up_threshold: int = 5
    scale_down_threshold: int = 1
    scale_up_cooldown: int = 30
    scale_down_cooldown: int = 120
    provisioner: ProvisionerKind = ProvisionerKind.NONE
    target: str | None = None
    enabled: bool = True

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> ScalingPolicy:
        """A policy of plain JSON values; what is absent or None has its default. Raises InvalidInput."""
        return cls().changed(values)

    def changed(self, values: Mapping[str, Any]) -> ScalingPolicy:
        """This one with some fields changed; None goes back to the default. Raises InvalidInput naming the field."""
        names = [field.name for field in fields(self)]
        for name in values:
            if name not in names:
                raise InvalidInput(
                    f"a scaling policy has no field {name!r:.100}", field=name, hint=", ".join(names)
                )
        standard = STANDARD
        checked = {
            name: getattr(standard, name) if value is None else _parse(name, value)
            for name, value in values.items()
        }
        after = replace(self, **checked)
        after._check()
        return after

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return asdict(self)

    def cooldown(self, action: ScalingAction, failures: int) -> timedelta:
        """For how long after a change nothing of this kind is done; longer after each failure in a row."""
        up = action is ScalingAction.SCALE_UP
        seconds = self.scale_up_cooldown if up else self.scale_down_cooldown
        if failures:
            doubled = FIRST_BACKOFF_SECONDS * 2 ** min(failures - 1, 10)
            seconds = max(seconds, min(doubled, LONGEST_BACKOFF_SECONDS))
        return timedelta(seconds=seconds)

    def _check(self) -> None:
        if self.min_workers > self.max_workers:
            raise InvalidInput(
                f"min_workers ({self.min_workers}) is more than max_workers ({self.max_workers})",
                field="min_workers",
                hint="min_workers is at most max_workers",
            )
        if self.scale_down_threshold >= self.scale_up_threshold:
            raise InvalidInput(
                f"scale_down_threshold ({self.scale_down_threshold}) is not less than scale_up_threshold "
                f"({self.scale_up_threshold}): the number of workers would swing between them",
                field="scale_down_threshold",
                hint="leave room between the two",
            )


STANDARD = ScalingPolicy()

_WHOLE_NUMBERS = {
    "min_workers": (0, MOST_WORKERS),
    "max_workers": (1, MOST_WORKERS),
    "target_queue_length": (1, 1_000_000),
    "target_worker_utilization": (1, 100),
    "target_age_seconds": (1, 604_800),
    "scale_up_threshold": (1, 1_000_000),
    "scale_down_threshold": (0, 1_000_000),
    "scale_up_cooldown": (0, LONGEST_COOLDOWN),
    "scale_down_cooldown": (0, LONGEST_COOLDOWN),
}


def _parse(name: str, value: Any) -> Any:
    if name in _WHOLE_NUMBERS:
        low, high = _WHOLE_NUMBERS[name]
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        raise InvalidInput(
            f"{name} must be a whole number from {low} to {high}, not {value!r:.100}", field=name
        )
    if name == "enabled":
        if isinstance(value, bool):
            return value
        raise InvalidInput(f"enabled must be true or false, not {value!r:.100}", field=name)
    if name == "provisioner":
        if value in list(ProvisionerKind):
            return ProvisionerKind(value)
        raise InvalidInput(
            f"there is no provisioner {value!r:.100}",
            field=name,
            hint=f"one of: {', '.join(ProvisionerKind)}",
        )
    if isinstance(value, str) and 1 <= len(value) <= LONGEST_TARGET and value.isprintable():
        return value
    raise InvalidInput(f"{name} must be a text of 1 to {LONGEST_TARGET} characters", field=name)
