"""Alerts: what a rule watches, and the state machine of one alert. Pure; what was measured, and when, is handed in.

An alert is one subject (a queue, a job type, a worker, a schedule) of one rule.

    (ok) --bad--> pending --bad for `for_seconds`--> firing --good for long enough--> recovered --an hour--> (ok)
                  pending --good--> back                   recovered --bad--> pending

What flaps is damped: each time an alert fires within an hour of its last recovery it has to be good for twice as long
before it recovers again (from a minute up to an hour), so that a rule which flaps tells about itself ever more seldom.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.alert_rule import RuleSpec, Timing
    from taskforge.domain.ids import ProjectId

MOST_SILENCES = 200
MOST_SUBJECTS = 100
"""Alerts of one rule; of more bad subjects the worst are told."""
CALM = timedelta(hours=1)
"""Firing again within so long of the recovery is flapping; and no recovery has to wait longer because of it."""
FIRST_HOLD = timedelta(minutes=1)


class AlertStatus(StrEnum):
    """Where an alert is. One that is ok has no state."""

    PENDING = "pending"
    FIRING = "firing"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class AlertState:
    """One alert. ``alert_id`` is what it is known by from firing to recovery, and new when it fires again.

    ``recovered_at`` is its last recovery, ``good_since`` from when a firing one has been good, ``flaps`` how often it
    has fired soon after a recovery, ``told`` whether somebody was told that it fires.
    """

    status: AlertStatus
    since: datetime
    value: float
    alert_id: UUID | None = None
    recovered_at: datetime | None = None
    good_since: datetime | None = None
    flaps: int = 0
    told: bool = False


class Step(NamedTuple):
    """What a look at an alert came to: its state (None: ok), what changed, and what is to be told of it."""

    state: AlertState | None
    change: AlertStatus | None = None
    tell: AlertStatus | None = None


def step(
    state: AlertState | None,
    value: float | None,
    threshold: float,
    now: datetime,
    timing: Timing,
    *,
    silenced: bool,
    mint: Callable[[], UUID],
) -> Step:
    """The next state of an alert whose subject has this ``value`` now (None: it is not there, which is good)."""
    if value is not None and value > threshold:
        return _bad(state, value, now, timing, silenced=silenced, mint=mint)
    return _good(state, now, timing, value)


def hold(flaps: int) -> timedelta:
    """For how long an alert that has flapped so often has to be good before it recovers."""
    return timedelta() if flaps == 0 else min(CALM, FIRST_HOLD * 2 ** min(flaps - 1, 20))


def ended(state: AlertState) -> Step:
    """Its rule is gone, or rests: what fires recovers, and the state is forgotten."""
    if state.status is not AlertStatus.FIRING:
        return Step(None)
    return Step(None, AlertStatus.RECOVERED, AlertStatus.RECOVERED if state.told else None)


def _bad(
    state: AlertState | None,
    value: float,
    now: datetime,
    timing: Timing,
    *,
    silenced: bool,
    mint: Callable[[], UUID],
) -> Step:
    if state is None:
        state = AlertState(AlertStatus.PENDING, now, value)
    elif state.status is AlertStatus.RECOVERED:
        state = replace(state, status=AlertStatus.PENDING, since=now, alert_id=None, told=False)
    state = replace(state, value=value, good_since=None)
    if state.status is AlertStatus.PENDING:
        if now - state.since < timing.until_firing:
            return Step(state)
        is_soon = state.recovered_at is not None and state.since - state.recovered_at < CALM
        flaps = state.flaps + 1 if is_soon else 0
        state = AlertState(
            AlertStatus.FIRING, now, value, mint(), state.recovered_at, None, flaps, told=not silenced
        )
        return Step(state, AlertStatus.FIRING, None if silenced else AlertStatus.FIRING)
    if not state.told and not silenced:  # the silence is over, and it still fires
        return Step(replace(state, told=True), None, AlertStatus.FIRING)
    return Step(state)


def _good(state: AlertState | None, now: datetime, timing: Timing, value: float | None) -> Step:
    if state is None:
        return Step(None)
    if state.status is AlertStatus.FIRING:
        since = state.good_since or now
        if now - since < max(timing.until_recovery, hold(state.flaps)):
            return Step(replace(state, good_since=since, value=state.value if value is None else value))
        recovered = replace(
            state, status=AlertStatus.RECOVERED, since=now, recovered_at=now, good_since=None, told=False
        )
        if value is not None:
            recovered = replace(recovered, value=value)
        # who was told that it fires is told that it does no more, silence or not
        return Step(recovered, AlertStatus.RECOVERED, AlertStatus.RECOVERED if state.told else None)
    if state.recovered_at is None or now - state.recovered_at >= CALM:
        return Step(None)
    if state.status is AlertStatus.PENDING:
        return Step(replace(state, status=AlertStatus.RECOVERED, since=state.recovered_at, alert_id=None))
    return Step(state)


@dataclass(frozen=True, slots=True)
class Silence:
    """From when until when alerts are not told: of one rule, or of all (None); of one subject of it, or of all."""

    id: UUID
    project_id: ProjectId
    rule_id: UUID | None
    subject: str | None
    starts_at: datetime
    ends_at: datetime
    reason: str | None
    by: str | None
    created_at: datetime

    def covers(self, rule_id: UUID, subject: str, now: datetime) -> bool:
        """Whether this alert is silent now."""
        return (
            self.starts_at <= now < self.ends_at
            and self.rule_id in (None, rule_id)
            and self.subject in (None, subject)
        )


def judge(
    rule_id: UUID,
    spec: RuleSpec,
    states: Mapping[str, AlertState],
    values: Mapping[str, float],
    silences: Iterable[Silence],
    now: datetime,
    mint: Callable[[], UUID],
) -> dict[str, Step]:
    """What a look at all subjects of a rule comes to, by subject; ``values`` are what was measured."""
    known = list(silences)
    bad = [subject for subject, value in values.items() if value > spec.threshold and subject not in states]
    bad.sort(key=lambda subject: (-values[subject], subject))
    room = max(0, MOST_SUBJECTS - len(states))
    return {
        subject: step(
            states.get(subject),
            values.get(subject),
            spec.threshold,
            now,
            spec.timing,
            silenced=any(silence.covers(rule_id, subject, now) for silence in known),
            mint=mint,
        )
        for subject in [*states, *bad[:room]]
    }
