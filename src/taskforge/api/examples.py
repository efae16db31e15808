"""What bodies and answers look like: an example for each schema, made of the names and types of its members."""

from __future__ import annotations

import re
from typing import Any

REFERENCE = "#/components/schemas/"
MOMENT = "2026-11-22T09:00:00Z"
IDENTITY = "019212d3-87f4-7a2c-8d4e-5f60718293a4"
BODIES: dict[str, dict[str, Any]] = {
    "AssignmentChange": {"weight": 30},
    "Chosen": {"status": ["failed"], "job_type": "reports.monthly"},
    "Mute": {"until": "2026-12-01T00:00:00Z"},
    "Move": {"queue_name": "reports"},
    "NewAssignment": {"queue_name": "reports", "worker_name": "gpu-*", "weight": 30},
    "NewJob": {"queue_name": "reports", "job_type": "reports.monthly", "payload": {"month": "2026-10"}},
    "NewKey": {"name": "billing service", "role": "developer"},
    "NewOperation": {"action": "retry", "filter": {"status": ["failed"], "job_type": "reports.monthly"}},
    "NewPolicy": {"queue_name": "reports", "min_workers": 1, "max_workers": 10},
    "NewReceiver": {"name": "ops", "kind": "email", "to": ["ops@example.com"]},
    "NewRule": {"name": "long queue", "kind": "queue_length", "queue": "reports", "threshold": 1000},
    "NewSchedule": {"job_id": "monthly-report", "task": "reports.monthly", "cron": "0 9 1 * *", "timezone": "Asia/Jakarta"},
    "NewUser": {"email": "ani@example.com", "role": "developer", "password": "four words in line"},
    "OrganizationChange": {"limits": {"queued_jobs": 100000}},
    "PolicyChange": {"max_workers": 20},
    "QueueChange": {"priority": 7, "description": "What customers wait for"},
    "ReceiverChange": {"enabled": False},
    "Redrive": {"queue_id": IDENTITY, "per_second": 100},
    "RedriveErrors": {"per_second": 100},
    "Reschedule": {"scheduled_for": "2026-12-01T00:00:00Z"},
    "Retry": {"payload": {"month": "2026-10"}},
    "RoleChange": {"permissions": ["job:read", "job:write"]},
    "RuleChange": {"threshold": 5000},
    "ScheduleChange": {"cron": "0 8 1 * *"},
    "SecretChange": {},
    "Span": {"since": "2026-11-01T00:00:00Z", "until": "2026-11-08T00:00:00Z"},
    "UserChange": {"disabled": True},
    "WorkerChange": {"max_concurrent_jobs": 20},
}  # fmt: skip
"""Of bodies whose members exclude each other, or may all be left out."""
VALUES: dict[str, Any] = {
    "access_token": "eyJhbGciOiJIUzI1NiIsImtpZCI6...",
    "actor": "ani@example.com",
    "address": "203.0.113.7",
    "arguments": {"month": "2026-10"},
    "by": "ani@example.com",
    "cron": "0 9 1 * *",
    "email": "ani@example.com",
    "error": "ValueError: the month is not closed",
    "error_message": "the month is not closed",
    "error_type": "ValueError",
    "host": "worker-1.example.com",
    "job_id": IDENTITY,
    "job_type": "reports.monthly",
    "key": "tfk_019212d387f47a2c8d4e5f60718293a4_...",
    "label": "ani@example.com",
    "message": "Found",
    "name": "reports",
    "output": {"rows": 42},
    "password": "four words in line",
    "payload": {"month": "2026-10"},
    "queue": "reports",
    "queue_name": "reports",
    "refresh_token": "tfr_019212d387f47a2c8d4e5f60718293a4_...",
    "role": "developer",
    "task": "reports.monthly",
    "timezone": "Asia/Jakarta",
    "token_type": "bearer",
    "trigger": "cron[0 9 1 * *]",
    "url": "https://hooks.example.com/taskforge",
    "version": "1.0.0",
    "worker_name": "worker-1",
}
"""By name, where the type allows it."""
TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


def illustrate(schemas: dict[str, Any]) -> None:
    """Give each object an example, unless it has one."""
    for name, schema in schemas.items():
        if schema.get("type") == "object" and "example" not in schema and "examples" not in schema:
            schema["examples"] = [_object(schema, schemas, (name,))]


def _object(schema: dict[str, Any], schemas: dict[str, Any], path: tuple[str, ...]) -> Any:
    given = BODIES.get(path[-1])
    if given is not None:
        return given
    is_body = schema.get("additionalProperties") is False
    required = schema.get("required", ())
    return {
        name: _value(name, member, schemas, path)
        for name, member in schema.get("properties", {}).items()
        if name in required or not is_body or "examples" in member
    }


def _value(name: str, schema: dict[str, Any], schemas: dict[str, Any], path: tuple[str, ...]) -> Any:
    if "$ref" in schema:
        target = schema["$ref"].removeprefix(REFERENCE)
        return {} if target in path else _of(name, schemas[target], schemas, (*path, target))
    return _of(name, schema, schemas, path)


def _of(name: str, schema: dict[str, Any], schemas: dict[str, Any], path: tuple[str, ...]) -> Any:
    given = [*schema.get("examples", ()), *(schema[said] for said in ("example", "const") if said in schema)]
    given += schema.get("enum", ())[:1]
    if given:
        return given[0]
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        kinds = [choice for choice in choices if choice.get("type") != "null"]
        return _value(name, kinds[0], schemas, path) if kinds else None
    kind = schema.get("type")
    if kind is None:
        return VALUES.get(name)
    if isinstance(kind, list):
        kind = next(one for one in kind if one != "null")
    return _typed(name, schema, kind, schemas, path)


def _typed(
    name: str, schema: dict[str, Any], kind: str, schemas: dict[str, Any], path: tuple[str, ...]
) -> Any:
    if name in VALUES and isinstance(VALUES[name], TYPES[kind]) and _fits(VALUES[name], schema):
        return VALUES[name]
    if kind == "object":
        return _object(schema, schemas, path) if "properties" in schema else {}
    if kind == "array":
        return [_value(name, schema["items"], schemas, path)] if schema.get("items") else []
    if schema.get("default") is not None:
        return schema["default"]
    return _scalar(kind, schema)


def _fits(value: Any, schema: dict[str, Any]) -> bool:
    if not isinstance(value, str):
        return True
    return "format" not in schema and re.search(schema.get("pattern", ""), value) is not None


def _scalar(kind: str, schema: dict[str, Any]) -> Any:
    if kind == "boolean":
        return False
    if kind == "string":
        return {"date-time": MOMENT, "uuid": IDENTITY, "date": MOMENT[:10]}.get(
            schema.get("format", ""), "text"
        )
    return max(schema.get("minimum", 0), schema.get("exclusiveMinimum", -1) + 1, 1)
