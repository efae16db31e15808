"""Alerts: what is wrong now and was, the rules that say so, and when nobody is told."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Query
from starlette.responses import Response

from taskforge.api.backend import ProjectServices
from taskforge.api.call import Calling
from taskforge.api.etags import check_match, etag_of
from taskforge.api.pages import Paging, SortedPaging
from taskforge.api.routing import Resource
from taskforge.api.tenancy import Everywhere, OneProject, look_up
from taskforge.api.values import Id
from taskforge.api.views.alerts import (
    AlertEventView,
    AlertView,
    NewRule,
    NewSilence,
    RuleChange,
    RuleView,
    SilenceView,
    alert_view,
    event_view,
    rule_view,
    silence_view,
)
from taskforge.domain.access import Permission
from taskforge.domain.alert import AlertStatus, Silence
from taskforge.domain.alert_rule import Rule

if TYPE_CHECKING:
    from uuid import UUID

alerts = Resource("/alerts", "alerts")


@dataclass(frozen=True, slots=True)
class RuleAt:
    """A rule, and the services of its project."""

    services: ProjectServices
    rule: Rule


async def _rule_at(rule_id: Id, call: Calling) -> RuleAt:
    services, rule = await look_up(
        call, lambda one: one.alerting.find_rule(rule_id), f"no alert rule has the id {rule_id}"
    )
    return RuleAt(services, rule)


RuleHere = Annotated[RuleAt, Depends(_rule_at)]


@dataclass(frozen=True, slots=True)
class SilenceAt:
    """A silence, and the services of its project."""

    services: ProjectServices
    silence: Silence


async def _silence_at(silence_id: Id, call: Calling) -> SilenceAt:
    services, silence = await look_up(
        call, lambda one: one.alerting.find_silence(silence_id), f"no silence has the id {silence_id}"
    )
    return SilenceAt(services, silence)


SilenceHere = Annotated[SilenceAt, Depends(_silence_at)]


@alerts.get("", permission=Permission.ALERT_READ, name="alerts.list", answers=AlertView, is_list=True)
async def list_alerts(
    call: Calling,
    everywhere: Everywhere,
    page: SortedPaging,
    status: Annotated[AlertStatus | None, Query(description="Only these.")] = None,
) -> Response:
    """What is pending, fires, or has recovered within the last hour; the latest change first."""
    found = [
        alert
        for services in everywhere
        for alert in await services.alerting.alerts()
        if status in (None, alert.state.status)
    ]
    found.sort(key=lambda alert: alert.state.since, reverse=True)
    part, meta = page.cut([alert_view(alert) for alert in found])
    return call.answer(part, "alerts.listed", meta=meta, count=len(found))


@alerts.get(
    "/events",
    permission=Permission.ALERT_READ,
    name="alert_events.list",
    answers=AlertEventView,
    is_list=True,
)
async def list_events(
    call: Calling,
    everywhere: Everywhere,
    page: Paging,
    rule_id: Annotated[Id | None, Query(description="Only those of this rule.")] = None,
) -> Response:
    """What fired and recovered within 30 days, the latest first."""
    read = [
        event
        for services in everywhere
        for event in await services.alerting.events(rule_id, limit=page.wanted, before=page.after)
    ]
    part, meta = page.newest(read, lambda event: event.id)
    return call.answer([event_view(event) for event in part], "listed", meta=meta, count=len(part))


@alerts.get(
    "/rules", permission=Permission.ALERT_READ, name="alert_rules.list", answers=RuleView, is_list=True
)
async def list_rules(call: Calling, everywhere: Everywhere, page: SortedPaging) -> Response:
    """All alert rules by name."""
    found = [rule for services in everywhere for rule in await services.alerting.rules()]
    part, meta = page.cut([rule_view(rule) for rule in sorted(found, key=lambda r: (r.name, r.id))])
    return call.answer(part, "alert_rules.listed", meta=meta, count=len(found))


@alerts.post(
    "/rules",
    permission=Permission.ALERT_WRITE,
    name="alert_rules.create",
    makes="rule_id",
    answers=RuleView,
    status=201,
    problems=(404, 409),
)
async def create_rule(call: Calling, project: OneProject, body: NewRule) -> Response:
    """Make an alert rule. It is looked at within some seconds, and then again and again."""
    rule = await project.alerting.create(body.name, body.kind, body.given(), enabled=body.enabled)
    return call.created(
        rule_view(rule),
        f"/api/v1/alerts/rules/{rule.id}",
        "alert_rules.created",
        headers={"ETag": etag_of(rule.updated_at)},
    )


@alerts.get("/rules/{rule_id}", permission=Permission.ALERT_READ, name="alert_rules.get", answers=RuleView)
async def get_rule(call: Calling, here: RuleHere) -> Response:
    """One alert rule."""
    return call.answer(rule_view(here.rule), headers={"ETag": etag_of(here.rule.updated_at)})


@alerts.patch(
    "/rules/{rule_id}",
    permission=Permission.ALERT_WRITE,
    name="alert_rules.update",
    answers=RuleView,
    status=204,
    problems=(404, 409, 412),
)
async def update_rule(call: Calling, here: RuleHere, body: RuleChange) -> Response:
    """Change an alert rule. One that is disabled is looked at no more; what fires of it is told as recovered."""
    changed = await here.services.alerting.change(
        here.rule.id,
        body.given(),
        name=body.name,
        enabled=body.enabled,
        check=lambda rule: check_match(call.request, etag_of(rule.updated_at)),
    )
    return call.done(rule_view(changed), "updated", headers={"ETag": etag_of(changed.updated_at)})


@alerts.delete("/rules/{rule_id}", permission=Permission.ALERT_WRITE, name="alert_rules.delete", status=204)
async def delete_rule(call: Calling, here: RuleHere) -> Response:
    """Remove an alert rule; what fires of it is told as recovered. Its events stay."""
    await here.services.alerting.delete(here.rule.id)
    return call.done(None, "deleted")


@alerts.get(
    "/silences", permission=Permission.ALERT_READ, name="silences.list", answers=SilenceView, is_list=True
)
async def list_silences(call: Calling, everywhere: Everywhere, page: SortedPaging) -> Response:
    """All silences, also those that are over; those that end last first."""
    found = [silence for services in everywhere for silence in await services.alerting.silences()]
    found.sort(key=lambda silence: (silence.ends_at, silence.id), reverse=True)
    part, meta = page.cut([silence_view(silence) for silence in found])
    return call.answer(part, "listed", meta=meta, count=len(found))


@alerts.post(
    "/silences",
    permission=Permission.ALERT_WRITE,
    name="silences.create",
    answers=SilenceView,
    status=201,
    problems=(404, 409),
)
async def create_silence(call: Calling, project: OneProject, body: NewSilence) -> Response:
    """Tell nobody of some alerts for a while. What fires then and still does when it is over is told after all."""
    rule_id: UUID | None = body.rule_id
    silence = await project.alerting.silence(
        body.ends_at,
        starts_at=body.starts_at,
        rule_id=rule_id,
        subject=body.subject,
        reason=body.reason,
        by=call.principal.label,
    )
    return call.created(silence_view(silence), f"/api/v1/alerts/silences?project_id={project.project_id}")


@alerts.delete(
    "/silences/{silence_id}", permission=Permission.ALERT_WRITE, name="silences.delete", status=204
)
async def delete_silence(call: Calling, here: SilenceHere) -> Response:
    """End a silence."""
    await here.services.alerting.end_silence(here.silence.id)
    return call.done(None, "deleted")
