"""Alert rules, silences, receivers and deliveries as they are kept. Every change by a person is audited."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from taskforge.domain.alert import AlertState, AlertStatus, Silence
    from taskforge.domain.alert_rule import Rule, RuleKind, RuleSpec
    from taskforge.domain.delivery import Delivery, DeliveryCause, DeliveryStatus
    from taskforge.domain.ids import JobId, ProjectId, QueueId
    from taskforge.domain.receiver import Message, Receiver, ReceiverKind, Secrets


class TakenRule(NamedTuple):
    """A rule that is the caller's to look at; ``turn`` proves it."""

    rule: Rule
    turn: int
    now: datetime


class Alert(NamedTuple):
    """One alert that is not ok, and its rule."""

    rule_id: UUID
    rule_name: str
    spec: RuleSpec
    subject: str
    state: AlertState


class AlertEvent(NamedTuple):
    """Something that has happened. ``told``: to receivers; else it was silenced, or the rule has none."""

    id: UUID
    project_id: ProjectId
    rule_id: UUID
    rule_name: str
    kind: RuleKind
    subject: str
    alert_id: UUID
    change: AlertStatus
    value: float
    threshold: float
    summary: str
    told: bool
    happened_at: datetime


class NewSilence(NamedTuple):
    """What is to be silent; from now on where ``starts_at`` is None."""

    rule_id: UUID | None
    subject: str | None
    starts_at: datetime | None
    ends_at: datetime
    reason: str | None
    by: str | None


class AlertStore(Protocol):
    """Rules, their alerts, and silences."""

    async def rules(self, project_id: ProjectId) -> Sequence[Rule]:
        """All of a project by name."""
        ...

    async def rule(self, project_id: ProjectId, rule_id: UUID) -> Rule | None:
        """One of them."""
        ...

    async def create_rule(
        self, project_id: ProjectId, name: str, spec: RuleSpec, *, enabled: bool, most: int
    ) -> Rule | None:
        """A new one; None when the name is taken, or there are ``most``."""
        ...

    async def change_rule(
        self, project_id: ProjectId, rule_id: UUID, change: Callable[[Rule], Rule]
    ) -> Rule | None:
        """Write what ``change`` makes of name, spec and whether it is enabled. Raises Conflict: the name is taken.

        What fires of a rule that rests from now on is told as recovered.
        """
        ...

    async def delete_rule(self, project_id: ProjectId, rule_id: UUID) -> bool:
        """Remove it with its alerts; what fires is told as recovered."""
        ...

    async def alerts(self, project_id: ProjectId) -> Sequence[Alert]:
        """All that are not ok, the latest change first."""
        ...

    async def events(
        self, project_id: ProjectId, rule_id: UUID | None, limit: int, before: UUID | None = None
    ) -> Sequence[AlertEvent]:
        """What has happened, the latest first; ``before`` is the id to go on from."""
        ...

    async def silences(self, project_id: ProjectId) -> Sequence[Silence]:
        """All of a project, those that end last first."""
        ...

    async def silence(self, project_id: ProjectId, silence_id: UUID) -> Silence | None:
        """One of them."""
        ...

    async def create_silence(self, project_id: ProjectId, wanted: NewSilence, most: int) -> Silence | None:
        """A new one; None when it would end before it begins, or there are ``most``."""
        ...

    async def delete_silence(self, project_id: ProjectId, silence_id: UUID) -> bool:
        """End it and forget it."""
        ...

    async def due_in(self) -> float | None:
        """Seconds until rules of any project are to be looked at; None: there are none."""
        ...

    async def take(self, interval_us: int) -> Sequence[TakenRule]:
        """The rules of one project that are due; nobody else is given them for so long."""
        ...

    async def judge(
        self, taken: TakenRule, values: Mapping[str, float], fault: str | None = None
    ) -> Sequence[AlertEvent] | None:
        """Move the alerts of a rule on, and write down what is to be told, in one transaction.

        With a ``fault`` nothing moves. None: somebody else has looked at it since, or changed it. Raises QueueClosed.
        """
        ...


class DeliveryOutlook(NamedTuple):
    """Whether jobs have ended of which somebody may be to be told, and whether deliveries may be due."""

    has_ends: bool
    has_due: bool


class ReceiverStore(Protocol):
    """Receivers, and what is told to them."""

    async def receivers(self, project_id: ProjectId) -> Sequence[Receiver]:
        """All of a project by name."""
        ...

    async def receiver(self, project_id: ProjectId, receiver_id: UUID) -> Receiver | None:
        """One of them."""
        ...

    async def create(
        self, project_id: ProjectId, name: str, kind: ReceiverKind, address: str, secrets: Secrets, most: int
    ) -> Receiver | None:
        """A new one; None when the name is taken, or there are ``most``."""
        ...

    async def change(self, receiver: Receiver, secrets: Secrets | None) -> Receiver | None:
        """Write name, address, whether it is enabled, and secrets if given. Raises Conflict: the name is taken."""
        ...

    async def delete(self, project_id: ProjectId, receiver_id: UUID) -> bool:
        """Remove it with all that was to be told to it."""
        ...

    async def secrets(self, project_id: ProjectId, receiver_id: UUID) -> Secrets | None:
        """What it is sent with; None: it is gone."""
        ...

    async def tell(
        self,
        project_id: ProjectId,
        receivers: Sequence[UUID],
        message: Message,
        cause: DeliveryCause,
        cause_id: UUID | None = None,
    ) -> Sequence[UUID]:
        """Write down what is to be told, with its jobs; answers their ids. Raises QueueClosed."""
        ...

    async def deliveries(
        self,
        project_id: ProjectId,
        receiver_id: UUID | None,
        limit: int,
        *,
        status: DeliveryStatus | None = None,
        before: UUID | None = None,
    ) -> Sequence[Delivery]:
        """The newest first; ``before`` is the id to go on from."""
        ...

    async def delivery(self, project_id: ProjectId, delivery_id: UUID) -> Delivery | None:
        """One of them."""
        ...

    async def note_try(
        self, project_id: ProjectId, delivery_id: UUID, answer: str, *, is_delivered: bool
    ) -> None:
        """What came of a try; nothing more is noted once it is delivered."""
        ...

    async def outlook(self) -> DeliveryOutlook:
        """What there may be to do, in one question: all that an idle process asks."""
        ...

    async def projects_due(self) -> Sequence[ProjectId]:
        """Projects in which something is to be tried now."""
        ...


class MeasureStore(Protocol):
    """What rules look at that nobody else measures."""

    async def dead_letters(self, project_id: ProjectId, bound: int) -> Mapping[str, int]:
        """How many each queue lists, by its name."""
        ...

    async def waiting_types(self, project_id: ProjectId, queue_id: QueueId, bound: int) -> Mapping[str, int]:
        """The types at the head of a queue, with how many of so many jobs have them."""
        ...

    async def unknown_types(self, project_id: ProjectId) -> Mapping[str, int]:
        """Job types that no worker has ever known, with how many jobs wait."""
        ...

    async def known_types(self, project_id: ProjectId, silence: timedelta) -> Mapping[str, frozenset[str]]:
        """What living workers can run: job types by queue. Those are dead that have been silent for so long."""
        ...

    async def lost_workers(
        self, project_id: ProjectId, silence: timedelta, window: timedelta
    ) -> Sequence[str]:
        """Names of workers that are silent for so long, or were given up within the window."""
        ...

    async def missed_ticks(self, project_id: ProjectId, window: timedelta) -> Mapping[str, int]:
        """Due times of each schedule that were missed within the window, or are being missed now."""
        ...

    async def fresh_errors(self, project_id: ProjectId, window: timedelta, limit: int) -> Mapping[str, int]:
        """Error groups that are new, or have returned, within the window: failures by type and end of id."""
        ...

    async def broken_types(self, project_id: ProjectId, limit: int) -> Mapping[str, float]:
        """For how many seconds the breakers of these job types have held jobs; those that do so longest."""
        ...


class NoticeStore(Protocol):
    """Who is to be told when a job ends."""

    async def put(self, project_id: ProjectId, job_id: JobId, receivers: Sequence[UUID]) -> None:
        """These, when it ends the next time, or has ended by now; in place of those before."""
        ...

    async def tell_ended(self, limit: int) -> int:
        """Write down what is to be told of jobs that have ended, of all projects; answers how much. Raises QueueClosed."""
        ...
