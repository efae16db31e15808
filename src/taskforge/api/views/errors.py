"""What is said of error groups, in bodies."""

from typing import Annotated

from pydantic import ConfigDict, Field

from taskforge.api.values import Body, Id, Moment
from taskforge.api.views.operations import Rate


class Mute(Body):
    """Until when nobody need hear of it; without a time for good."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"until": "2026-01-31T09:00:00Z"}]})

    until: Moment | None = None


class RedriveErrors(Body):
    """At which rate, and in which queue: without one each job in its own."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"per_second": 10}]})

    queue_id: Id | None = None
    queue_name: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    per_second: Rate = None
