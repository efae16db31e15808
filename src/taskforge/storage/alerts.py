"""Alert rules, their alerts and silences over SQL (``ports.alerts``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.alert import AlertState, AlertStatus, Silence, Step, ended, judge
from taskforge.domain.alert_rule import Rule, RuleKind, RuleSpec, rule_spec, summary
from taskforge.domain.delivery import DeliveryCause
from taskforge.domain.errors import Conflict
from taskforge.domain.ids import AFTER_ALL
from taskforge.domain.receiver import Message
from taskforge.ports.alerts import Alert, AlertEvent, TakenRule
from taskforge.storage.auditing import Audit
from taskforge.storage.codec import from_json, to_json
from taskforge.storage.engine import Engine, One, Rows, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.ports.alerts import NewSilence
    from taskforge.storage.telling import Telling


class SqlAlertStore:
    """Implements ``AlertStore`` for any engine; ``mint`` gives new ids."""

    def __init__(self, engine: Engine, telling: Telling, mint: Callable[[], UUID]) -> None:
        self._engine = engine
        self._telling = telling
        self._mint = mint

    async def rules(self, project_id: ProjectId) -> Sequence[Rule]:
        rows = await self._engine.read(One("list_rules", {"project_id": project_id}))
        return [self._rule(row) for row in rows]

    async def rule(self, project_id: ProjectId, rule_id: UUID) -> Rule | None:
        where = {"project_id": project_id, "rule_id": rule_id}
        rows = await self._engine.read(One("get_rule", where))
        return self._rule(rows[0]) if rows else None

    async def create_rule(
        self, project_id: ProjectId, name: str, spec: RuleSpec, *, enabled: bool, most: int
    ) -> Rule | None:
        row = {
            "rule_id": self._mint(),
            "project_id": project_id,
            "name": name,
            "spec": to_json(spec.to_json()),
            "enabled": enabled,
            "most": most,
        }
        audit = Audit(project_id=project_id)

        def script() -> Script[Rule | None]:
            rows = yield One("create_rule", row)
            if not rows:
                return None
            made = self._rule(rows[0])
            yield audit.entry("alert_rule.create", made.id, name, after=_told(made))
            return made

        return await self._engine.run(script)

    async def change_rule(
        self, project_id: ProjectId, rule_id: UUID, change: Callable[[Rule], Rule]
    ) -> Rule | None:
        where = {"project_id": project_id, "rule_id": rule_id}
        audit = Audit(project_id=project_id)

        def script() -> Script[Rule | None]:
            found = yield One("lock_rule", where)
            if not found:
                return None
            before = self._rule(found[0])
            after = change(before)
            for row in (yield One("list_rules", {"project_id": project_id})):
                if row["name"] == after.name and self._engine.identity(row["id"]) != rule_id:
                    raise Conflict(f"a rule named {after.name!r} exists already")
            if before.enabled and not after.enabled:
                yield from self._end_all(before, self._engine.moment(found[0]["now"]))
            spec = to_json(after.spec.to_json())
            written = {**where, "name": after.name, "spec": spec, "enabled": after.enabled}
            now = self._rule((yield One("update_rule", written))[0])
            yield audit.entry("alert_rule.update", rule_id, now.name, before=_told(before), after=_told(now))
            return now

        return await self._engine.run(script)

    async def delete_rule(self, project_id: ProjectId, rule_id: UUID) -> bool:
        where = {"project_id": project_id, "rule_id": rule_id}
        audit = Audit(project_id=project_id)

        def script() -> Script[bool]:
            found = yield One("lock_rule", where)
            if not found:
                return False
            gone = self._rule(found[0])
            yield from self._end_all(gone, self._engine.moment(found[0]["now"]))
            yield One("delete_rule", where)
            yield audit.entry("alert_rule.delete", rule_id, gone.name, before=_told(gone))
            return True

        return await self._engine.run(script)

    def _end_all(self, rule: Rule, now: datetime) -> Script[None]:
        states = yield from self._states(rule)
        for subject, state in states.items():
            yield from self._write(rule, subject, ended(state), state, now)

    async def alerts(self, project_id: ProjectId) -> Sequence[Alert]:
        rows = await self._engine.read(One("list_alerts", {"project_id": project_id}))
        return [
            Alert(
                self._engine.identity(row["rule_id"]),
                row["rule_name"],
                _spec_of(row["spec"]),
                row["subject"],
                self._state(row),
            )
            for row in rows
        ]

    async def events(
        self, project_id: ProjectId, rule_id: UUID | None, limit: int, before: UUID | None = None
    ) -> Sequence[AlertEvent]:
        of = None if rule_id is None else str(rule_id)
        where = {"project_id": project_id, "rule_id": of, "limit": limit, "before": before or AFTER_ALL}
        return [self._event(row) for row in await self._engine.read(One("list_alert_events", where))]

    async def silences(self, project_id: ProjectId) -> Sequence[Silence]:
        rows = await self._engine.read(One("list_silences", {"project_id": project_id}))
        return [self._silence(row) for row in rows]

    async def silence(self, project_id: ProjectId, silence_id: UUID) -> Silence | None:
        where = {"project_id": project_id, "silence_id": silence_id}
        rows = await self._engine.read(One("get_silence", where))
        return self._silence(rows[0]) if rows else None

    async def create_silence(self, project_id: ProjectId, wanted: NewSilence, most: int) -> Silence | None:
        row = {
            "silence_id": self._mint(),
            "project_id": project_id,
            "rule_id": wanted.rule_id,
            "subject": wanted.subject,
            "starts_at": wanted.starts_at,
            "ends_at": wanted.ends_at,
            "reason": wanted.reason,
            "made_by": wanted.by,
            "most": most,
        }
        audit = Audit(project_id=project_id)

        def script() -> Script[Silence | None]:
            rows = yield One("create_silence", row)
            if not rows:
                return None
            made = self._silence(rows[0])
            yield audit.entry("silence.create", made.id, made.subject, after=_told_silence(made))
            return made

        return await self._engine.run(script)

    async def delete_silence(self, project_id: ProjectId, silence_id: UUID) -> bool:
        audit = Audit(project_id=project_id)

        def script() -> Script[bool]:
            rows = yield One("delete_silence", {"project_id": project_id, "silence_id": silence_id})
            if rows:
                gone = self._silence(rows[0])
                yield audit.entry("silence.delete", silence_id, gone.subject, before=_told_silence(gone))
            return bool(rows)

        return await self._engine.run(script)

    async def due_in(self) -> float | None:
        [row] = await self._engine.read(One("rules_due"))
        return None if row["due_us"] is None else max(0.0, int(row["due_us"]) / 1e6)

    async def take(self, interval_us: int) -> Sequence[TakenRule]:
        rows = await self._engine.call(One("take_rules", {"interval_us": interval_us}))
        return [TakenRule(self._rule(row), int(row["turn"]), self._engine.moment(row["now"])) for row in rows]

    async def judge(
        self, taken: TakenRule, values: Mapping[str, float], fault: str | None = None
    ) -> Sequence[AlertEvent] | None:
        rule = taken.rule
        which = {"project_id": rule.project_id, "rule_id": rule.id, "turn": taken.turn}

        def script() -> Script[Sequence[AlertEvent] | None]:
            mine = yield One("confirm_rule", {**which, "fault": fault})
            if not mine:
                return None
            if fault is not None:
                return []
            now = self._engine.moment(mine[0]["now"])
            states = yield from self._states(rule)
            silences = yield One("list_silences", {"project_id": rule.project_id})
            steps = judge(rule.id, rule.spec, states, values, map(self._silence, silences), now, self._mint)
            events: list[AlertEvent] = []
            for subject, step in steps.items():
                events += yield from self._write(rule, subject, step, states.get(subject), now)
            return events

        return await self._engine.run(script)

    def _states(self, rule: Rule) -> Script[dict[str, AlertState]]:
        rows: Rows = yield One("alerts_of_rule", {"project_id": rule.project_id, "rule_id": rule.id})
        return {row["subject"]: self._state(row) for row in rows}

    def _write(
        self, rule: Rule, subject: str, step: Step, before: AlertState | None, now: datetime
    ) -> Script[list[AlertEvent]]:
        """The new state of an alert, what happened by that, and whom it is to be told: all in one transaction."""
        which = {"project_id": rule.project_id, "rule_id": rule.id, "subject": subject}
        if step.state is None and before is not None:
            yield One("forget_alert", which)
        elif step.state is not None and step.state != before:
            row = {name: getattr(step.state, name) for name in AlertState.__dataclass_fields__}
            yield One("put_alert", {**which, **row, "status": step.state.status.value})
        change = step.change or step.tell
        state = step.state if step.state is not None and step.state.alert_id is not None else before
        if change is None or state is None or state.alert_id is None:
            return []
        line = summary(
            rule.name, rule.spec.kind, subject, state.value, is_firing=change is AlertStatus.FIRING
        )
        receivers: list[UUID] = []
        if step.tell is not None and rule.spec.receivers:
            rows = yield One("list_receivers", {"project_id": rule.project_id})
            receivers = [
                self._engine.identity(row["id"])
                for row in rows
                if row["enabled"] and str(self._engine.identity(row["id"])) in rule.spec.receivers
            ]
        event = AlertEvent(
            self._mint(),
            rule.project_id,
            rule.id,
            rule.name,
            rule.spec.kind,
            subject,
            state.alert_id,
            change,
            state.value,
            rule.spec.threshold,
            line,
            bool(receivers),
            now,
        )
        kept = event._asdict()
        yield One(
            "insert_alert_event",
            {
                **{name: kept[name] for name in kept if name != "id"},
                "event_id": event.id,
                "kind": event.kind.value,
                "change": change.value,
            },
        )
        if receivers:
            message = _message(event, rule)
            yield from self._telling.tell(rule.project_id, receivers, message, DeliveryCause.ALERT, event.id)
        return [event]

    def _rule(self, row: Any) -> Rule:
        identity, moment = self._engine.identity, self._engine.moment
        return Rule(
            identity(row["id"]),
            identity(row["project_id"]),
            row["name"],
            _spec_of(row["spec"]),
            bool(row["enabled"]),
            moment(row["evaluated_at"]),
            row["fault"],
            int(row["version"]),
            moment(row["created_at"]),
            moment(row["updated_at"]),
        )

    def _state(self, row: Any) -> AlertState:
        moment = self._engine.moment
        return AlertState(
            AlertStatus(row["status"]),
            moment(row["since"]),
            float(row["value"]),
            self._engine.identity(row["alert_id"]),
            moment(row["recovered_at"]),
            moment(row["good_since"]),
            int(row["flaps"]),
            bool(row["told"]),
        )

    def _silence(self, row: Any) -> Silence:
        identity, moment = self._engine.identity, self._engine.moment
        return Silence(
            identity(row["id"]),
            identity(row["project_id"]),
            identity(row["rule_id"]),
            row["subject"],
            moment(row["starts_at"]),
            moment(row["ends_at"]),
            row["reason"],
            row["made_by"],
            moment(row["created_at"]),
        )

    def _event(self, row: Any) -> AlertEvent:
        identity = self._engine.identity
        return AlertEvent(
            identity(row["id"]),
            identity(row["project_id"]),
            identity(row["rule_id"]),
            row["rule_name"],
            RuleKind(row["kind"]),
            row["subject"],
            identity(row["alert_id"]),
            AlertStatus(row["change"]),
            float(row["value"]),
            float(row["threshold"]),
            row["summary"],
            bool(row["told"]),
            self._engine.moment(row["happened_at"]),
        )


def _spec_of(text: str) -> RuleSpec:
    said = from_json(text)
    return rule_spec(RuleKind(said.pop("kind")), said)


def _message(event: AlertEvent, rule: Rule) -> Message:
    return Message(
        f"alert.{event.change.value}",
        event.summary,
        event.happened_at.isoformat().replace("+00:00", "Z"),
        {
            "alert_id": str(event.alert_id),
            "event_id": str(event.id),
            "project_id": str(event.project_id),
            "rule_id": str(event.rule_id),
            "rule": event.rule_name,
            "kind": event.kind.value,
            "subject": event.subject,
            "value": event.value,
            "threshold": event.threshold,
            "description": rule.spec.description,
        },
    )


def _told(rule: Rule) -> dict[str, Any]:
    """What the audit log says of a rule."""
    return {"name": rule.name, "enabled": rule.enabled, **rule.spec.to_json()}


def _told_silence(silence: Silence) -> dict[str, Any]:
    return {
        "rule_id": None if silence.rule_id is None else str(silence.rule_id),
        "subject": silence.subject,
        "starts_at": silence.starts_at.isoformat(),
        "ends_at": silence.ends_at.isoformat(),
        "reason": silence.reason,
        "by": silence.by,
    }
