"""Pages of lists: by number, by offset, and by cursor for the deep ones."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from starlette.responses import Response

from taskforge.api.backend import ProjectServices
from taskforge.api.call import Call, Calling
from taskforge.api.envelopes import ListMeta
from taskforge.api.views.jobs import view_of
from taskforge.domain.errors import InvalidInput
from taskforge.ports.history import JobFilter

DEFAULT_LIMIT = 20
MAX_LIMIT = 200
MAX_SKIPPED = 10_000
"""Deeper pages are reached by cursor only."""
_MAC_BYTES = 16
NOT_OF_THE_FILTER = ("cursor", "page", "offset", "limit")

T = TypeVar("T")
ORDERING = (str, int, float, datetime, UUID)
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted: ``skip`` items are left out, or it begins behind ``after``."""

    limit: int
    skip: int
    number: int | None
    after: UUID | None
    signer: "CursorSigner"
    sort: Sequence[str] = ()

    def meta(
        self, *, has_more: bool, total: int | None = None, is_capped: bool = False, last: UUID | None = None
    ) -> ListMeta:
        """What is told about this part: ``last`` is the id that the next one begins behind."""
        return ListMeta(
            page=self.number,
            offset=None if self.number is not None or self.after is not None else self.skip,
            limit=self.limit,
            total_items=total,
            total_pages=None if total is None else -(-total // self.limit),
            has_more=has_more,
            total_capped=is_capped,
            next_cursor=self.signer.write(last) if has_more and last is not None else None,
        )

    @property
    def wanted(self) -> int:
        """How many to read behind ``after``: with one more, which says that the list goes on."""
        return self.skip + self.limit + 1

    def newest(self, read: Iterable[T], id_of: Callable[[T], UUID]) -> tuple[list[T], ListMeta]:
        """This part of what was read, of each project as many as are wanted: by id, newest first."""
        found = sorted(read, key=id_of, reverse=True)
        part = found[self.skip : self.skip + self.limit]
        has_more = len(found) > self.skip + len(part)
        return part, self.meta(has_more=has_more, last=id_of(part[-1]) if part else None)

    def cut(self, items: Sequence[T]) -> tuple[list[T], ListMeta]:
        """This part of a list that is here as a whole."""
        ordered = sorted_by(items, self.sort) if self.sort else items
        part = list(ordered[self.skip : self.skip + self.limit])
        return part, self.meta(has_more=self.skip + len(part) < len(items), total=len(items))

    async def of_jobs(self, call: Call, everywhere: Sequence[ProjectServices], chosen: JobFilter) -> Response:
        """The answer with this part of the jobs that are chosen."""
        if self.sort not in ((), ("-created_at",)):
            raise InvalidInput("jobs are listed by -created_at only", field="sort")
        if not everywhere or (chosen.queue_ids is not None and not chosen.queue_ids):
            return call.answer([], "jobs.listed", meta=self.meta(has_more=False, total=0), count=0)
        found = await everywhere[0].browsing.page(
            [services.project_id for services in everywhere],
            replace(chosen, limit=self.limit, before=self.after),
            skip=self.skip,
            counted=self.after is None,
        )
        meta = self.meta(
            has_more=found.last is not None, total=found.total, is_capped=found.is_capped, last=found.last
        )
        data = [view_of(job, call.principal) for job in found.jobs]
        return call.answer(
            data, "jobs.listed", meta=meta, count=len(data) if found.total is None else found.total
        )


@dataclass(frozen=True, slots=True)
class CursorSigner:
    """Writes and reads cursors; one holds for one list with one filter of one caller."""

    secret: bytes
    scope: bytes

    def write(self, last: UUID) -> str:
        """A cursor behind this id."""
        return base64.urlsafe_b64encode(last.bytes + self._mac(last.bytes)).decode().rstrip("=")

    def read(self, cursor: str) -> UUID:
        """The id in a cursor of ours. Raises InvalidInput."""
        try:
            data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except ValueError:
            data = b""
        if len(data) != 16 + _MAC_BYTES or not hmac.compare_digest(data[16:], self._mac(data[:16])):
            raise InvalidInput(
                "this cursor does not belong to this list",
                field="cursor",
                hint="take it from meta.next_cursor of the page before, with the same filter",
            )
        return UUID(bytes=data[:16])

    def _mac(self, data: bytes) -> bytes:
        return hmac.digest(self.secret, b"cursor\0" + self.scope + b"\0" + data, "sha256")[:_MAC_BYTES]


async def _page(
    call: Calling,
    page: Annotated[
        int | None, Query(ge=1, le=MAX_SKIPPED, description="Number of the page, from 1.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items on a page.")] = DEFAULT_LIMIT,
    offset: Annotated[
        int | None, Query(ge=0, le=MAX_SKIPPED, description="Items to leave out, instead of a page.")
    ] = None,
    cursor: Annotated[
        str | None, Query(max_length=100, description="`meta.next_cursor` of the page before.")
    ] = None,
) -> Page:
    given = [
        name for name, value in (("page", page), ("offset", offset), ("cursor", cursor)) if value is not None
    ]
    if len(given) > 1:
        raise InvalidInput(f"give {given[0]} or {given[1]}, not both", field=given[1])
    signer = CursorSigner(call.options.secret, _scope_of(call))
    if cursor is not None:
        return Page(limit, 0, None, signer.read(cursor), signer)
    skip = ((page or 1) - 1) * limit if offset is None else offset
    if skip > MAX_SKIPPED:
        raise InvalidInput(
            f"pages end at {MAX_SKIPPED:,} items",
            field="page",
            hint="narrow the filter, or follow meta.next_cursor from page to page",
        )
    return Page(limit, skip, None if offset is not None else page or 1, None, signer)


def sorted_by(items: Sequence[T], names: Sequence[str]) -> Sequence[T]:
    """In this order; what has no such value comes last. Raises InvalidInput for a field that cannot order."""
    ordered = list(items)
    for name in reversed(names):
        field, is_down = name.removeprefix("-"), name.startswith("-")
        values: dict[int, Any] = {
            id(item): getattr(item, field, _MISSING) if field.isidentifier() else _MISSING for item in items
        }
        if not all(value is None or isinstance(value, ORDERING) for value in values.values()):
            raise InvalidInput(f"this list cannot be sorted by {field!r:.100}", field="sort")
        present = [item for item in ordered if values[id(item)] is not None]
        absent = [item for item in ordered if values[id(item)] is None]
        present.sort(key=lambda item: values[id(item)], reverse=is_down)
        ordered = present + absent
    return ordered


async def _sorted_page(
    page: Annotated[Page, Depends(_page)],
    sort: Annotated[
        str | None,
        Query(
            max_length=100,
            pattern="^-?[a-z_]+(,-?[a-z_]+)*$",
            description="Fields to order by, with commas; `-` before one: the greatest first.",
        ),
    ] = None,
) -> Page:
    return page if sort is None else replace(page, sort=tuple(sort.split(",")))


def _scope_of(call: Any) -> bytes:
    """The list, its filter, and whose it is."""
    query = sorted(
        (name, value)
        for name, value in call.request.query_params.multi_items()
        if name not in NOT_OF_THE_FILTER
    )
    principal = call.principal
    seen = (call.request.url.path, query, principal.organization_id, principal.project_id)
    return hashlib.sha256(repr(seen).encode()).digest()


Paging = Annotated[Page, Depends(_page)]
SortedPaging = Annotated[Page, Depends(_sorted_page)]
"""For lists that are here as a whole, and for jobs."""
