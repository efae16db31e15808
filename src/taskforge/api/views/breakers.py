"""Circuit breakers in bodies."""

from typing import Any

from pydantic import Field

from taskforge.api.values import Body
from taskforge.domain.breaker import LONGEST_SECONDS, MOST_ATTEMPTS, MOST_PROBES
from taskforge.domain.pause import MAX_REASON


class BreakerFields(Body):
    """What a breaker may be set to. The rate is a share: more than 0, at most 1."""

    failure_rate: float | None = Field(None, gt=0, le=1, examples=[0.5])
    minimum_attempts: int | None = Field(None, ge=1, le=MOST_ATTEMPTS, examples=[10])
    window_seconds: int | None = Field(None, ge=1, le=LONGEST_SECONDS, examples=[60])
    open_seconds: int | None = Field(None, ge=1, le=LONGEST_SECONDS, examples=[30])
    probes: int | None = Field(None, ge=1, le=MOST_PROBES, examples=[1])

    def given(self) -> dict[str, Any]:
        """The settings that the body names; null ones as None."""
        return {name: getattr(self, name) for name in self.model_fields_set - {"job_type"}}


class NewBreaker(BreakerFields):
    """A breaker that is to be made. What is absent has its default."""

    job_type: str = Field(min_length=1, max_length=100, examples=["reports.monthly"])


class BreakerChange(BreakerFields):
    """What is to be changed; what is absent stays, null goes back to the default."""


class BreakerOpening(Body):
    """Why, and for how long: after `seconds` some jobs are tried. Without it the breaker stays open until it is closed."""

    reason: str | None = Field(None, max_length=MAX_REASON, examples=["the bank does not answer"])
    seconds: int | None = Field(None, ge=1, le=LONGEST_SECONDS, examples=[300])


class BreakerClosing(Body):
    """Why."""

    reason: str | None = Field(None, max_length=MAX_REASON, examples=["the bank answers again"])
