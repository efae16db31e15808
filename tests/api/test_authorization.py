"""Who may do what: every route for every role, and every path of one tenant in the hands of another."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import pytest

from taskforge.api.application import RESOURCES
from taskforge.api.operation import Openness, Operation
from taskforge.domain.access import BuiltinRole, Permission
from tests.api.installation import Client, Installation, running
from tests.api.tenants import PASSWORD, allowed_to, client_of, make_tenant

pytestmark = pytest.mark.anyio

OPERATIONS = [operation for resource in RESOURCES for operation in resource.operations]
BODIES: dict[str, Any] = {
    "queues.create": {"name": "other"},
    "queues.update": {"priority": 1},
    "jobs.create": {"job_type": "t", "queue_name": "q"},
    "jobs.create_many": {"jobs": [{"job_type": "t", "queue_name": "q"}]},
    "jobs.reschedule": {"scheduled_for": "2036-01-01T00:00:00Z"},
    "jobs.move": {"queue_name": "q"},
    "operations.create": {"action": "cancel", "filter": {"tag": "nothing"}},
    "dead_letters.redrive_many": {"queue_id": "019212d3-87f4-7a2c-8d4e-5f60718293a4"},
    "pauses.create": {"kind": "type", "value": "t"},
    "assignments.create": {"queue_name": "q", "worker_name": "other"},
    "assignments.update": {"weight": 7},
    "auth.login": {"email": "nobody@nowhere.example", "password": "x"},
    "auth.refresh": {"refresh_token": "x"},
    "organizations.create": {"name": "third"},
    "organizations.update": {"name": "renamed"},
    "projects.create": {"name": "second"},
    "projects.update": {"name": "renamed"},
    "users.create": {"email": "budi@example.com", "role": "viewer"},
    "users.update": {"name": "Budi"},
    "memberships.set": {"role": "viewer"},
    "users.set_password": {"password": "six other words in line"},
    "workers.update": {"max_concurrent_jobs": 3},
    "roles.create": {"name": "other", "permissions": ["job:read"]},
    "roles.update": {"name": "renamed"},
    "keys.create": {"name": "other", "role": "viewer"},
    "keys.update": {"name": "renamed"},
}
BODIES |= {
    "scheduled_jobs.create": {"job_id": "other", "task": "t", "cron": "0 0 * * *"},
    "scheduled_jobs.update": {"priority": 1},
    "scheduled_jobs.backfill": {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"},
    "calendars.put": {"dates": []},
    "scaling_policies.create": {"queue_name": "q"},
    "breakers.create": {"job_type": "t"},
    "breakers.update": {"probes": 2},
    "breakers.open": {"reason": "upkeep"},
    "breakers.close": {},
    "scaling_policies.update": {"max_workers": 3},
    "scaling_policies.simulate": {"arrivals": [{"at": 0, "jobs": 1}]},
}
BODIES |= {
    "alert_rules.create": {"name": "other", "kind": "queue_length"},
    "alert_rules.update": {"threshold": 5},
    "silences.create": {"ends_at": "2036-01-01T00:00:00Z"},
    "receivers.create": {"name": "other", "kind": "email", "to": ["ops@example.com"]},
    "receivers.update": {"name": "renamed"},
    "notices.put": {"receivers": ["renamed"]},
}
QUERIES = {"pauses.delete": "?kind=type&value=t", "dead_letters.list": "?queue_id={queue_id}"}
OWN_CREDENTIAL = {operation.name for operation in OPERATIONS if operation.permission is Permission.WORKER_RUN}
"""Operations of the worker protocol: told apart further by the kind of the credential, which has tests of its own."""
STREAMS = {operation.name for operation in OPERATIONS if operation.name.endswith((".tail", ".stream"))} | {
    operation.name for operation in OPERATIONS if "text/event-stream" in str(operation.extra)
}


@pytest.fixture
async def installation(sqlite_url: str, anyio_backend: str) -> AsyncIterator[Installation]:
    """The application with its own credentials."""
    async with running(sqlite_url, own_credentials=True) as installation:
        yield installation


def path_of(operation: Operation, ids: dict[str, str]) -> str:
    """The path with ids in it."""
    return (operation.path + QUERIES.get(operation.name, "")).format(**ids)


async def call(client: Client, operation: Operation, ids: dict[str, str]) -> Any:
    """The operation, on these things."""
    options = {"json": BODIES[operation.name]} if operation.name in BODIES else {}
    return await client.send(operation.method, path_of(operation, ids), **options)


def in_order_of_damage() -> Iterator[Operation]:
    """Reads first, removals last."""
    weight = {"GET": 0, "POST": 1, "PATCH": 2, "PUT": 2, "DELETE": 3}
    yield from sorted(OPERATIONS, key=lambda operation: weight[operation.method])


@pytest.mark.parametrize("role", BuiltinRole)
async def test_a_role_may_do_what_it_says_and_nothing_else(
    installation: Installation, role: BuiltinRole
) -> None:
    tenant = await make_tenant(installation, "default")
    client = client_of(installation, tenant, role)
    nobody = dict.fromkeys(tenant.ids, str(uuid4()))
    for operation in in_order_of_damage():
        if operation.permission is Openness.PUBLIC or operation.name in OWN_CREDENTIAL | STREAMS:
            continue
        answer = await call(client, operation, nobody)
        if operation.permission is Openness.AUTHENTICATED:
            assert answer.status_code != 401, operation.name
        elif allowed_to(role, operation.permission):
            # what a key of its owner may not do at all is the service's word, not the route's
            assert answer.status_code not in (401, 500), (operation.name, answer.text)
            assert answer.status_code != 403 or operation.name.startswith("organizations."), (
                operation.name,
                answer.text,
            )
        else:
            assert answer.status_code == 403, (role, operation.name, answer.text)
            assert answer.json()["code"] == "forbidden"


async def test_nobody_gets_in_without_credentials(installation: Installation) -> None:
    client = installation.client
    nobody = {name: str(uuid4()) for name in re.findall(r"\{(\w+)\}", " ".join(o.path for o in OPERATIONS))}
    nobody |= {"queue_id": str(uuid4())}
    for operation in OPERATIONS:
        if operation.permission is Openness.PUBLIC:
            continue
        for token in (None, "tfk_x", "a.b.c", "tfk_" + "0" * 32 + "_" + "A" * 43):
            answer = await call(client.as_(token), operation, nobody)
            assert (answer.status_code, answer.json()["status"]) == (401, 401), operation.name


async def test_what_is_another_tenant_s_does_not_exist(installation: Installation) -> None:
    ours, theirs = await make_tenant(installation, "default"), await make_tenant(installation, "other")
    client = client_of(installation, theirs, "owner")
    for operation in in_order_of_damage():
        names = re.findall(r"\{(\w+)\}", operation.path + QUERIES.get(operation.name, ""))
        if not names or names == ["name"] or operation.name in OWN_CREDENTIAL | STREAMS:
            continue
        if operation.permission is Openness.PUBLIC:
            continue
        foreign = await call(client, operation, ours.ids)
        random = await call(client, operation, {name: str(uuid4()) for name in ours.ids})
        assert foreign.status_code == random.status_code, (operation.name, foreign.text, random.text)
        assert shape(foreign, ours.ids) == shape(random, {}), operation.name
        assert foreign.status_code in (403, 404), (operation.name, foreign.text)


async def test_a_foreign_id_in_a_body_or_a_query_does_not_exist(installation: Installation) -> None:
    ours, theirs = await make_tenant(installation, "default"), await make_tenant(installation, "other")
    client = client_of(installation, theirs, "owner")
    foreign, own = ours.ids, theirs.ids
    for refused in (
        await client.post("/jobs", {"job_type": "t", "queue_id": foreign["queue_id"]}),
        await client.post(f"/jobs?project_id={foreign['project_id']}", {"job_type": "t", "queue_name": "q"}),
        await client.post(
            "/jobs/bulk",
            {
                "jobs": [
                    {"job_type": "t", "queue_name": "q"},
                    {"job_type": "t", "queue_id": foreign["queue_id"]},
                ]
            },
        ),
        await client.post(f"/jobs/{own['job_id']}/move", {"queue_id": foreign["queue_id"]}),
        await client.post(f"/queues?project_id={foreign['project_id']}", {"name": "x"}),
        await client.get(f"/jobs?project_id={foreign['project_id']}"),
        await client.get(f"/dead-letters?queue_id={foreign['queue_id']}"),
        await client.post("/keys", {"name": "x", "role": "viewer", "project_id": foreign["project_id"]}),
        await client.get(f"/metrics?project_id={foreign['project_id']}"),
        await client.post(f"/pauses?project_id={foreign['project_id']}", {"kind": "type", "value": "t"}),
        await client.post("/operations", {"action": "cancel", "filter": {"queue_id": [foreign["queue_id"]]}}),
        await client.post(
            "/operations", {"action": "move", "filter": {"tag": "other"}, "queue_id": foreign["queue_id"]}
        ),
        await client.post(
            f"/operations?project_id={foreign['project_id']}", {"action": "cancel", "filter": {"tag": "a"}}
        ),
        await client.post("/dead-letters/redrive", {"queue_id": foreign["queue_id"]}),
        await client.post("/assignments", {"queue_id": foreign["queue_id"], "worker_name": "w"}),
        await client.post("/assignments", {"queue_id": own["queue_id"], "worker_id": foreign["worker_id"]}),
        await client.get(f"/assignments?queue_id={foreign['queue_id']}"),
        await client.get(f"/assignments?worker_id={foreign['worker_id']}"),
        await client.get(f"/assignments/matrix?project_id={foreign['project_id']}"),
        await client.post(
            "/alerts/rules", {"name": "x", "kind": "dead_letters", "receivers": [foreign["receiver_id"]]}
        ),
        await client.post(
            "/alerts/silences", {"ends_at": "2036-01-01T00:00:00Z", "rule_id": foreign["rule_id"]}
        ),
    ):
        assert refused.status_code == 404, refused.text
    chosen = {"ids": [foreign["job_id"]]}
    counted = await client.post("/operations", {"action": "cancel", "filter": chosen, "dry_run": True})
    assert counted.json()["data"]["counted"] == 0
    settings = {"dead_letter_queue_id": foreign["queue_id"]}
    assert (await client.patch(f"/queues/{own['queue_id']}", {"settings": settings})).status_code == 422
    jobs = (await client.get(f"/jobs?queue_id={foreign['queue_id']}")).json()
    assert (jobs["data"], jobs["meta"]["total_items"]) == ([], 0)
    jobs = (await client.get("/jobs")).json()["data"]
    assert {job["id"] for job in jobs} == {own["job_id"], own["delivery_id"]}
    queues = (await client.get("/queues")).json()["data"]
    assert [queue["id"] for queue in queues if queue["name"] == "q"] == [own["queue_id"]]
    assert foreign["queue_id"] not in str(queues)
    assert [worker["id"] for worker in (await client.get("/workers")).json()["data"]] == [own["worker_id"]]
    listed = await client.get("/audit?limit=200")
    assert ours.ids["queue_id"] not in listed.text


async def test_logins_refresh_and_end(installation: Installation) -> None:
    tenant = await make_tenant(installation, "default")
    nobody = installation.client.as_(None)
    email = "ani@default.example"
    wrong = await nobody.post("/auth/login", {"email": email, "password": "wrong"})
    unknown = await nobody.post("/auth/login", {"email": "x@y.example", "password": "wrong"})
    assert wrong.status_code == unknown.status_code == 401
    assert shape(wrong, {}) == shape(unknown, {})
    pair = (await nobody.post("/auth/login", {"email": email, "password": PASSWORD})).json()["data"]
    user = installation.client.as_(pair["access_token"])
    caller = (await user.get("/auth/me")).json()["data"]
    assert (caller["label"], caller["projects"]) == (email, (await user.get("/projects")).json()["data"])
    assert (await user.get("/jobs")).status_code == 200
    assert (await user.post(f"/jobs/{tenant.ids['job_id']}/cancel")).status_code == 403
    assert len((await user.get("/auth/sessions")).json()["data"]) == 1
    newer = (await nobody.post("/auth/refresh", {"refresh_token": pair["refresh_token"]})).json()["data"]
    reused = await nobody.post("/auth/refresh", {"refresh_token": pair["refresh_token"]})
    assert (reused.status_code, reused.json()["code"]) == (401, "credential_reused")
    assert (await installation.client.as_(newer["access_token"]).get("/jobs")).status_code == 401
    again = (await nobody.post("/auth/login", {"email": email, "password": PASSWORD})).json()["data"]
    user = installation.client.as_(again["access_token"])
    assert (await user.post("/auth/logout")).status_code == 204
    assert (await user.get("/jobs")).status_code == 401


async def test_the_cookie_changes_nothing_without_the_page_s_token(installation: Installation) -> None:
    tenant = await make_tenant(installation, "default")
    owner = client_of(installation, tenant, "owner")
    await owner.send("PUT", f"/users/{tenant.ids['user_id']}/membership", json={"role": "developer"})
    nobody = installation.client.as_(None)
    login = {"email": "ani@default.example", "password": PASSWORD, "cookie": True}
    foreign = await nobody.post("/auth/login", login, headers={"Origin": "https://evil.example"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "csrf_failed")
    answer = await nobody.post("/auth/login", login)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    token = answer.json()["data"]["csrf_token"]
    sent = {"Cookie": cookie.partition(";")[0]}
    nobody.http.cookies.clear()
    assert (await nobody.get("/jobs", headers=sent)).status_code == 200
    assert (await nobody.get("/auth/me", headers=sent)).json()["data"]["csrf_token"] == token
    at = f"/jobs/{tenant.ids['job_id']}/cancel"
    for headers in (
        sent,
        {**sent, "X-CSRF-Token": "x"},
        {**sent, "X-CSRF-Token": token, "Origin": "https://evil.example"},
        {**sent, "X-CSRF-Token": token, "Sec-Fetch-Site": "cross-site"},
    ):
        refused = await nobody.post(at, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    assert (await nobody.post(at, headers={**sent, "X-CSRF-Token": token})).status_code == 204


async def test_nobody_gives_more_than_they_have_and_secrets_are_shown_once(
    installation: Installation,
) -> None:
    tenant = await make_tenant(installation, "default")
    admin = client_of(installation, tenant, "admin")
    grasping = await admin.post("/keys", {"name": "x", "role": "owner"})
    assert (grasping.status_code, grasping.json()["code"]) == (403, "escalation")
    made = (await admin.post("/keys", {"name": "x", "role": "viewer"})).json()["data"]
    assert made["key"].startswith("tfk_")
    listed = await admin.get("/keys?limit=200")
    assert made["key"] not in listed.text
    bearer = installation.client.as_(made["key"])
    assert (await bearer.get("/queues")).status_code == 200
    assert (await admin.delete(f"/keys/{made['api_key']['id']}")).status_code == 204
    assert (await bearer.get("/queues")).status_code == 401


async def test_changes_are_in_the_audit_log_with_who_and_from_where(installation: Installation) -> None:
    tenant = await make_tenant(installation, "default")
    operator = client_of(installation, tenant, "operator")
    await operator.patch(
        f"/queues/{tenant.ids['queue_id']}", {"priority": 7}, headers={"X-Request-ID": "abc"}
    )
    admin = client_of(installation, tenant, "admin")
    found = (await admin.get("/audit?action=queue.*&limit=1")).json()["data"][0]
    assert (found["actor"]["label"], found["address"], found["request_id"]) == (
        "operator",
        "127.0.0.1",
        "abc",
    )
    assert found["after"]["priority"] == 7
    exported = (await admin.get("/audit/export")).text.splitlines()
    assert len(exported) >= 5
    assert (await admin.get("/audit/verification")).json()["data"]["holds"] is True


def shape(answer: Any, ids: dict[str, str]) -> Any:
    """An answer without what differs from one request to the next: ids and the request's own."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "<id>", answer.text)
    text = re.sub(r'"request_id":"[^"]*"', '"request_id":"<id>"', text)
    return answer.status_code, text, sorted(set(answer.headers) - {"x-request-id", "content-length"})


def test_every_operation_with_a_body_has_one_here() -> None:
    for operation in OPERATIONS:
        if operation.name not in OWN_CREDENTIAL and "body" in operation.endpoint.__annotations__:
            needs = operation.endpoint.__annotations__["body"]
            assert operation.name in BODIES or "None" in str(needs), operation.name
