"""The values of queries and bodies: as strict as their JSON schema says, in either place."""

import re
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]")


class Body(BaseModel):
    """A request body: no unknown members, no conversions."""

    model_config = ConfigDict(extra="forbid", strict=True)


def kept(**constraints: Any) -> Any:
    """A field of a change that stays where it is absent, and cannot be cleared: its schema knows no null."""
    return Field(None, json_schema_extra=_never_null, **constraints)


def _never_null(schema: dict[str, Any]) -> None:
    schema.pop("default", None)
    for choice in schema.pop("anyOf", ()):
        if choice != {"type": "null"}:
            schema.update(choice)


def _text_only(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, str) and _DATE.match(value)):
        return value
    raise ValueError("must be a text in RFC 3339, such as 2026-01-05T09:00:00+07:00")


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("needs a time zone: Z, or an offset such as +07:00")
    return value


def _uuid(value: Any) -> Any:
    if isinstance(value, UUID) or (isinstance(value, str) and len(value) == 36):
        return value
    raise ValueError("must be a UUID")


def _true_or_false(value: Any) -> Any:
    if isinstance(value, bool) or value in ("true", "false"):
        return value
    raise ValueError("must be true or false")


Id = Annotated[UUID, BeforeValidator(_uuid), Field(strict=False)]
"""A UUID as text."""
Moment = Annotated[
    datetime,
    BeforeValidator(_text_only),
    AfterValidator(_aware),
    Field(strict=False),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time with its zone."""
Flag = Annotated[bool, BeforeValidator(_true_or_false), Field(strict=False)]
"""true or false in a query."""
