"""Scaling policies in bodies."""

from typing import Any
from uuid import UUID

from pydantic import Field

from taskforge.api.values import Body, Id
from taskforge.domain.scaling_policy import LONGEST_COOLDOWN, LONGEST_TARGET, MOST_WORKERS, ProvisionerKind
from taskforge.domain.scaling_simulation import LONGEST_SECONDS, Arrival, Fleet
from taskforge.services.simulating import LONGEST_HOURS, MOST_JOBS


class PolicyFields(Body):
    """What a policy may say. Ages and cooldowns are seconds, the utilisation is per cent of the workers' slots."""

    enabled: bool | None = None
    min_workers: int | None = Field(None, ge=0, le=MOST_WORKERS, examples=[0])
    max_workers: int | None = Field(None, ge=1, le=MOST_WORKERS, examples=[8])
    target_queue_length: int | None = Field(None, ge=1, le=1_000_000, examples=[20])
    target_worker_utilization: int | None = Field(None, ge=1, le=100, examples=[80])
    target_age_seconds: int | None = Field(None, ge=1, le=604_800, examples=[60])
    scale_up_threshold: int | None = Field(None, ge=1, le=1_000_000, examples=[10])
    scale_down_threshold: int | None = Field(None, ge=0, le=1_000_000, examples=[2])
    scale_up_cooldown: int | None = Field(None, ge=0, le=LONGEST_COOLDOWN, examples=[30])
    scale_down_cooldown: int | None = Field(None, ge=0, le=LONGEST_COOLDOWN, examples=[120])
    provisioner: ProvisionerKind | None = Field(None, strict=False, examples=["none"])
    target: str | None = Field(None, min_length=1, max_length=LONGEST_TARGET, examples=["worker-reports"])

    def given(self) -> dict[str, Any]:
        """The fields of the policy that the body names; null ones as None."""
        names = self.model_fields_set - {"queue_id", "queue_name"}
        return {name: getattr(self, name) for name in names}


class NewPolicy(PolicyFields):
    """A policy that is to be made, for a queue by its id or its name. What is absent has its default."""

    queue_id: Id | None = None
    queue_name: str | None = Field(None, min_length=1, max_length=100, examples=["reports"])

    @property
    def queue(self) -> tuple[UUID | None, str | None]:
        """The queue that is meant, by one of its names."""
        return self.queue_id, self.queue_name


class PolicyChange(PolicyFields):
    """What is to be changed; what is absent stays, null goes back to the default."""


class SimulatedArrival(Body):
    """Jobs that arrive together, `at` seconds after the beginning; each runs for `work` seconds."""

    at: float = Field(ge=0, le=LONGEST_SECONDS, examples=[0])
    jobs: int = Field(ge=1, le=MOST_JOBS, examples=[40])
    work: float | None = Field(None, ge=0, le=86_400, examples=[2])


class SimulationRequest(Body):
    """What is to be replayed: `arrivals`, or what the queue did in the last `hours`; and what workers are like.

    `policy`: what of the queue's policy is to be otherwise. `work` is for arrivals that do not say, `startup` how long
    a worker takes to come, `interval` how often the policy is evaluated, all in seconds.
    """

    policy: PolicyFields | None = None
    arrivals: list[SimulatedArrival] | None = Field(None, min_length=1, max_length=10_000)
    hours: int | None = Field(None, ge=1, le=LONGEST_HOURS, examples=[6])
    slots: int = Field(10, ge=1, le=1000, examples=[10])
    work: float = Field(1.0, ge=0, le=86_400, examples=[1])
    startup: float = Field(5.0, ge=0, le=86_400, examples=[5])
    interval: float = Field(10.0, ge=0.1, le=3_600, examples=[10])

    @property
    def fleet(self) -> Fleet:
        """What workers are like."""
        return Fleet(self.slots, self.startup, self.interval, self.work)

    @property
    def otherwise(self) -> dict[str, Any]:
        """What of the policy is to be otherwise."""
        return {} if self.policy is None else self.policy.given()

    def named(self) -> list[Arrival]:
        """The arrivals of the body, in their order."""
        return sorted(
            Arrival(one.at, one.jobs, self.work if one.work is None else one.work)
            for one in self.arrivals or ()
        )
