"""Alerts, their rules, silences, receivers and deliveries in bodies."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from taskforge.api.values import Body, Id, Moment
from taskforge.domain.alert import AlertStatus, Silence
from taskforge.domain.alert_rule import MEANINGS, Rule, RuleKind
from taskforge.domain.delivery import Delivery, DeliveryCause, DeliveryStatus
from taskforge.domain.receiver import Receiver, ReceiverKind
from taskforge.ports.alerts import Alert, AlertEvent


class RuleFields(Body):
    """What a rule may say. `receivers` are names or ids; a rule without any is recorded, and told to nobody."""

    threshold: float | None = Field(None, ge=0, description="A subject is bad while its value is above this.")
    queue: str | None = Field(
        None, min_length=1, max_length=100, description="The only queue; else each queue by itself."
    )
    window_seconds: float | None = Field(None, ge=60, le=86400)
    min_attempts: int | None = Field(None, ge=1, le=1_000_000)
    for_seconds: float | None = Field(None, ge=0, description="So long it has to be bad until it fires.")
    recovery_seconds: float | None = Field(
        None, ge=0, description="So long it has to be good until it recovers."
    )
    receivers: list[str] | None = Field(None, max_length=20, examples=[["ops"]])
    description: str | None = Field(None, max_length=1000)

    def given(self) -> dict[str, Any]:
        """The fields of the rule that the body names; null ones as None."""
        own = set(RuleFields.model_fields)
        return {name: getattr(self, name) for name in self.model_fields_set & own}


class NewRule(RuleFields):
    """A rule that is to be made; what it does not say has the kind's default."""

    name: str = Field(min_length=1, max_length=100, examples=["mail is late"])
    kind: RuleKind = Field(strict=False)
    enabled: bool = True


class RuleChange(RuleFields):
    """What is to be changed; what is absent stays, null goes back to the kind's default."""

    name: str | None = Field(None, min_length=1, max_length=100)
    enabled: bool | None = None


class NewSilence(Body):
    """Until when alerts are told to nobody: of one rule, or of all; of one subject of it, or of all."""

    ends_at: Moment
    starts_at: Moment | None = None
    rule_id: Id | None = None
    subject: str | None = Field(None, min_length=1, max_length=1000)
    reason: str | None = Field(None, max_length=1000)


class NewReceiver(Body):
    """Who is to be told: `url` for a webhook and for Slack, `to` for e-mail.

    `secret` is what a webhook is signed with (`whsec_` and base64); without it one is made.
    """

    name: str = Field(min_length=1, max_length=100, examples=["ops"])
    kind: ReceiverKind = Field(strict=False)
    url: str | None = Field(None, min_length=1, max_length=2000, examples=["https://hooks.example.com/jobs"])
    secret: str | None = Field(None, min_length=1, max_length=200)
    to: list[str] | None = Field(None, min_length=1, max_length=20)


class ReceiverChange(Body):
    """What is to be changed; what is absent stays."""

    name: str | None = Field(None, min_length=1, max_length=100)
    url: str | None = Field(None, min_length=1, max_length=2000)
    to: list[str] | None = Field(None, min_length=1, max_length=20)
    enabled: bool | None = None


class SecretChange(Body):
    """The new secret, if it is not to be made here."""

    secret: str | None = Field(None, min_length=1, max_length=200)


class Notice(Body):
    """Who is told when the job ends: names or ids of receivers."""

    receivers: list[str] = Field(min_length=1, max_length=20, examples=[["ops"]])


@dataclass(frozen=True, slots=True)
class NoticeView:
    """Who is told when the job ends."""

    job_id: UUID
    receivers: list[str]


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule. `subject` says what it is about; `fault` why it could not be looked at the last time."""

    id: UUID
    project_id: UUID
    name: str
    kind: RuleKind
    subject: str
    threshold: float
    queue: str | None
    window_seconds: float | None
    min_attempts: int
    for_seconds: float
    recovery_seconds: float
    receivers: list[str]
    description: str | None
    enabled: bool
    evaluated_at: datetime | None
    fault: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert that is pending, firing, or has recovered within the last hour.

    `alert_id` is its id from firing to recovery. `flaps`: how often it has fired soon after a recovery.
    """

    rule_id: UUID
    rule: str
    kind: RuleKind
    subject: str
    status: AlertStatus
    since: datetime
    value: float
    threshold: float
    alert_id: UUID | None
    flaps: int
    told: bool


@dataclass(frozen=True, slots=True)
class AlertEventView:
    """An alert that fired, or recovered. `told`: to receivers; else it was silenced, or the rule has none."""

    id: UUID
    project_id: UUID
    rule_id: UUID
    rule: str
    kind: RuleKind
    subject: str
    alert_id: UUID
    change: AlertStatus
    value: float
    threshold: float
    summary: str
    told: bool
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class SilenceView:
    """A silence. Without `rule_id` it is for all rules, without `subject` for all subjects of one."""

    id: UUID
    project_id: UUID
    rule_id: UUID | None
    subject: str | None
    starts_at: datetime
    ends_at: datetime
    reason: str | None
    created_by: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ReceiverView:
    """A receiver. `address` shows where it is, without what may be secret in it."""

    id: UUID
    project_id: UUID
    name: str
    kind: ReceiverKind
    address: str
    enabled: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class MadeReceiverView:
    """A new receiver, and the secret that its webhooks are signed with: it is shown here and never again."""

    receiver: ReceiverView
    secret: str | None


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """What was told to a receiver, or is to be. Its id is that of the job, and of each request (`webhook-id`).

    `last_answer` is what came of the last try, `next_try_at` when it is tried again.
    """

    id: UUID
    project_id: UUID
    receiver_id: UUID
    receiver: str
    receiver_kind: ReceiverKind
    cause: DeliveryCause
    cause_id: UUID | None
    type: str
    summary: str
    status: DeliveryStatus
    tries: int
    last_answer: str | None
    last_tried_at: datetime | None
    next_try_at: datetime | None
    delivered_at: datetime | None
    created_at: datetime


def rule_view(rule: Rule) -> RuleView:
    """A rule as it is told."""
    spec = rule.spec
    return RuleView(
        id=rule.id,
        project_id=rule.project_id,
        name=rule.name,
        kind=spec.kind,
        subject=MEANINGS[spec.kind].subject,
        threshold=spec.threshold,
        queue=spec.queue,
        window_seconds=spec.window_seconds,
        min_attempts=spec.min_attempts,
        for_seconds=spec.for_seconds,
        recovery_seconds=spec.recovery_seconds,
        receivers=list(spec.receivers),
        description=spec.description,
        enabled=rule.enabled,
        evaluated_at=rule.evaluated_at,
        fault=rule.fault,
        created_at=rule.created_at,
        updated_at=rule.updated_at,
    )


def alert_view(alert: Alert) -> AlertView:
    """An alert as it is told."""
    state = alert.state
    return AlertView(
        rule_id=alert.rule_id,
        rule=alert.rule_name,
        kind=alert.spec.kind,
        subject=alert.subject,
        status=state.status,
        since=state.since,
        value=state.value,
        threshold=alert.spec.threshold,
        alert_id=state.alert_id,
        flaps=state.flaps,
        told=state.told,
    )


def event_view(event: AlertEvent) -> AlertEventView:
    """What has happened, as it is told."""
    values = event._asdict()
    return AlertEventView(rule=values.pop("rule_name"), **values)


def silence_view(silence: Silence) -> SilenceView:
    """A silence as it is told."""
    return SilenceView(
        silence.id,
        silence.project_id,
        silence.rule_id,
        silence.subject,
        silence.starts_at,
        silence.ends_at,
        silence.reason,
        silence.by,
        silence.created_at,
    )


def receiver_view(receiver: Receiver) -> ReceiverView:
    """A receiver as it is told."""
    return ReceiverView(
        receiver.id,
        receiver.project_id,
        receiver.name,
        receiver.kind,
        receiver.address,
        receiver.enabled,
        receiver.created_at,
        receiver.updated_at,
    )


def delivery_view(delivery: Delivery) -> DeliveryView:
    """A delivery as it is told."""
    return DeliveryView(
        id=delivery.id,
        project_id=delivery.project_id,
        receiver_id=delivery.receiver_id,
        receiver=delivery.receiver_name,
        receiver_kind=delivery.receiver_kind,
        cause=delivery.cause,
        cause_id=delivery.cause_id,
        type=delivery.message.type,
        summary=delivery.message.summary,
        status=delivery.status,
        tries=delivery.tries,
        last_answer=delivery.last_answer,
        last_tried_at=delivery.last_tried_at,
        next_try_at=delivery.next_try_at,
        delivered_at=delivery.delivered_at,
        created_at=delivery.created_at,
    )
