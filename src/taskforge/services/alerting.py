"""Alert rules and silences of one project, and what they have come to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from taskforge.domain.alert import MOST_SILENCES
from taskforge.domain.alert_rule import (
    MOST_RULES,
    RuleKind,
    RuleSpec,
    check_alert_name,
    check_text,
    rule_spec,
)
from taskforge.domain.errors import Conflict, InvalidInput, NotFound
from taskforge.domain.pause import check_words
from taskforge.ports.alerts import NewSilence
from taskforge.services.directory import near

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.alert import Silence
    from taskforge.domain.alert_rule import Rule
    from taskforge.ports.alerts import Alert, AlertEvent, AlertStore, ReceiverStore
    from taskforge.services.directory import QueueDirectory

LISTED = 50


class Alerting:
    """Rules are named by name or id, and so are the receivers that they tell."""

    def __init__(self, store: AlertStore, receivers: ReceiverStore, directory: QueueDirectory) -> None:
        self._store = store
        self._receivers = receivers
        self._directory = directory
        self._project_id = directory.project_id

    async def rules(self) -> Sequence[Rule]:
        """All rules by name."""
        return await self._store.rules(self._project_id)

    async def find_rule(self, rule_id: UUID) -> Rule | None:
        """One by id, None if there is none."""
        return await self._store.rule(self._project_id, rule_id)

    async def rule(self, which: str | UUID) -> Rule:
        """One of them. Raises NotFound."""
        rules = await self.rules()
        for rule in rules:
            if which in (rule.name, str(rule.id), rule.id):
                return rule
        raise NotFound(
            f"no alert rule is named {which!r:.120}", hint=near(str(which), [rule.name for rule in rules])
        )

    async def create(
        self, name: str, kind: RuleKind, values: Mapping[str, Any], *, enabled: bool = True
    ) -> Rule:
        """A new rule; what is absent or None has the kind's default. Raises Conflict, InvalidInput, NotFound."""
        check_alert_name(name)
        spec = await self._spec(kind, values)
        made = await self._store.create_rule(self._project_id, name, spec, enabled=enabled, most=MOST_RULES)
        if made is None:
            if len(await self.rules()) >= MOST_RULES:
                raise Conflict(f"a project has at most {MOST_RULES} alert rules")
            raise Conflict(f"a rule named {name!r} exists already")
        return made

    async def change(
        self,
        rule_id: UUID,
        values: Mapping[str, Any],
        *,
        name: str | None = None,
        enabled: bool | None = None,
        check: Callable[[Rule], None] | None = None,
    ) -> Rule:
        """Change what is given; None goes back to the kind's default. ``check`` may refuse by an exception."""
        if name is not None:
            check_alert_name(name)
        if "receivers" in values:
            values = {**values, "receivers": await self._named(values["receivers"] or [])}
        if values.get("queue") is not None:
            await self._directory.named(values["queue"])

        def change(rule: Rule) -> Rule:
            if check is not None:
                check(rule)
            said = {**rule.spec.to_json(), **values}
            said.pop("kind")
            return replace(
                rule,
                name=name or rule.name,
                spec=rule_spec(rule.spec.kind, said),
                enabled=rule.enabled if enabled is None else enabled,
            )

        changed = await self._store.change_rule(self._project_id, rule_id, change)
        if changed is None:
            raise NotFound(f"no alert rule has the id {rule_id}")
        return changed

    async def delete(self, rule_id: UUID) -> None:
        """Remove a rule; what fires of it is told as recovered. Raises NotFound."""
        if not await self._store.delete_rule(self._project_id, rule_id):
            raise NotFound(f"no alert rule has the id {rule_id}")

    async def alerts(self) -> Sequence[Alert]:
        """All that are pending, firing or recovered lately; the latest change first."""
        return await self._store.alerts(self._project_id)

    async def events(
        self, rule_id: UUID | None = None, *, limit: int = LISTED, before: UUID | None = None
    ) -> Sequence[AlertEvent]:
        """What has happened within 30 days, the latest first; ``before`` is the id to go on from."""
        return await self._store.events(self._project_id, rule_id, limit, before)

    async def silences(self) -> Sequence[Silence]:
        """All silences, those that end last first."""
        return await self._store.silences(self._project_id)

    async def find_silence(self, silence_id: UUID) -> Silence | None:
        """One by id, None if there is none."""
        return await self._store.silence(self._project_id, silence_id)

    async def silence(
        self,
        ends_at: datetime,
        *,
        starts_at: datetime | None = None,
        rule_id: UUID | None = None,
        subject: str | None = None,
        reason: str | None = None,
        by: str | None = None,
    ) -> Silence:
        """Tell nobody of these alerts until then: of one rule, or of all. Raises Conflict, InvalidInput, NotFound."""
        if subject is not None and rule_id is None:
            raise InvalidInput("a subject is silent for one rule: name it", field="rule_id")
        if rule_id is not None and await self.find_rule(rule_id) is None:
            raise NotFound(f"no alert rule has the id {rule_id}")
        wanted = NewSilence(
            rule_id,
            check_text(subject, "subject"),
            starts_at,
            ends_at,
            check_text(reason, "reason"),
            check_words(by, "by"),
        )
        made = await self._store.create_silence(self._project_id, wanted, MOST_SILENCES)
        if made is not None:
            return made
        if len(await self.silences()) >= MOST_SILENCES:
            raise Conflict(f"a project has at most {MOST_SILENCES} silences at a time")
        raise InvalidInput("a silence ends after it begins, and not in the past", field="ends_at")

    async def end_silence(self, silence_id: UUID) -> None:
        """Tell again. Raises NotFound."""
        if not await self._store.delete_silence(self._project_id, silence_id):
            raise NotFound(f"no silence has the id {silence_id}")

    async def _spec(self, kind: RuleKind, values: Mapping[str, Any]) -> RuleSpec:
        if values.get("queue") is not None:
            await self._directory.named(values["queue"])
        return rule_spec(kind, {**values, "receivers": await self._named(values.get("receivers") or [])})

    async def _named(self, receivers: Sequence[Any]) -> list[str]:
        """The ids of receivers that are given by id or name."""
        known = await self._receivers.receivers(self._project_id)
        by_name = {receiver.name: str(receiver.id) for receiver in known}
        ids = set(by_name.values())
        found = []
        for given in receivers:
            receiver_id = by_name.get(str(given), str(given))
            if receiver_id not in ids:
                raise NotFound(f"no receiver is named {given!r:.120}", hint=near(str(given), list(by_name)))
            found.append(receiver_id)
        return found
