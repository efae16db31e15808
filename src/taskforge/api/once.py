"""Requests under an Idempotency-Key: carried out once, and answered alike however often they come."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi.exceptions import HTTPException, RequestValidationError
from starlette.responses import Response

from taskforge.domain.errors import InvalidInput
from taskforge.ports.requests import Answer, RequestKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from taskforge.api.call import Call
    from taskforge.api.operation import Operation

HEADER = "idempotency-key"
REPLAYED = {"Idempotency-Replayed": "true"}
LONGEST_KEY = 255
KEY = re.compile(rf'(?P<quote>"?)(?P<key>[!#-~]{{1,{LONGEST_KEY}}})(?P=quote)')
"""As it is sent: alone, or in quotes."""
PARAMETER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Of several requests with the same key and body one is carried out, and all are answered alike.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": LONGEST_KEY + 2,
        "pattern": '^("[!#-~]+"|[!#-~]+)$',
    },
    "example": "5f0c9c1e-8a53-4a54-9d4d-0b7c8b0f6f0e",
}
"""How an operation's documentation tells of its Idempotency-Key."""


async def request_key(call: Call) -> RequestKey | None:
    """What the call's Idempotency-Key stands for; None without one. Raises InvalidInput."""
    given = call.request.headers.getlist(HEADER)
    if not given or call.principal.organization_id is None:
        return None
    written = KEY.fullmatch(given[0].strip())
    if len(given) > 1 or written is None:
        raise InvalidInput(
            f"an Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters without spaces and quotes",
            field=HEADER,
            hint="a UUID for each request serves",
        )
    url = call.request.url
    asked = f"{call.request.method} {url.path}?{url.query}\n".encode() + await call.request.body()
    # with our secret: a body may hold a password, which must not be guessed from what is stored
    fingerprint = hmac.new(call.options.secret, asked, hashlib.sha256).hexdigest()
    return RequestKey(call.principal.organization_id, call.principal.id, written["key"], fingerprint)


async def once(
    call: Call, operation: Operation, carry_out: Callable[[Request], Awaitable[Response]]
) -> Response:
    """What the operation answers, or what it has answered before under the same key.

    Raises what the operation raises, RequestInProgress, IdempotencyKeyReused, AnswerLost.
    """
    if not operation.keeps_answer or HEADER not in call.request.headers:
        return await carry_out(call.request)
    request = await request_key(call)
    if request is None:
        return await carry_out(call.request)
    idempotency = call.backend.idempotency
    async with idempotency.alike(request, RequestValidationError, HTTPException) as exchange:
        if exchange.is_replay and exchange.answer is not None:
            return _again(exchange.answer)
        response = await carry_out(call.request)
        exchange.answer = _kept(response, operation.shown_once)
    return response


def _kept(response: Response, secrets: tuple[str, ...]) -> Answer:
    body = bytes(response.body)
    if secrets and body:
        told = msgspec.json.decode(body)
        data = told["data"] if "data" in told and "meta" in told else told
        data |= dict.fromkeys(secrets)
        body = msgspec.json.encode(told)
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return Answer(response.status_code, headers, body.decode())


def _again(answer: Answer) -> Response:
    return Response(answer.body.encode() or None, answer.status, headers={**answer.headers, **REPLAYED})
