"""Two organizations with the same things in each, callers of every role, and the path of everything."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from taskforge.domain.access import ROLES, BuiltinRole, Permission, system
from taskforge.domain.ids import DEFAULT_ORGANIZATION, OrganizationId
from taskforge.domain.outcome import ErrorReport, Failed, Report
from taskforge.domain.worker import Registration, TaskDescription, WorkerType
from taskforge.ports.acting import acting
from taskforge.services.processes import this_process
from tests.api.installation import Client, Installation

PASSWORD = "four words in line"


@dataclass
class Tenant:
    """An organization, keys of its callers by role, and the ids of what it has by the name in paths."""

    organization_id: OrganizationId
    keys: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)


async def make_tenant(installation: Installation, name: str) -> Tenant:
    """An organization with a queue, a job, a worker, a user, a role and keys. One of everything."""
    backend: Any = installation.application.state.backend
    with acting(system("test")):
        if name == "default":
            tenant = Tenant(DEFAULT_ORGANIZATION)
        else:
            tenant = Tenant((await backend.security.organizations.create(name)).id)
        for role in BuiltinRole:
            _, tenant.keys[role] = await backend.security.keys.create(tenant.organization_id, role, role=role)
        backend.forget_projects(tenant.organization_id)
        [project_id] = await backend.projects_of(tenant.organization_id)
        platform = await backend.project(project_id)
        registration = Registration(
            f"w-{name}", WorkerType.GENERAL, {}, 2, ["q"], [TaskDescription("t", "q")], this_process(), "0"
        )
        link = platform.link()
        worker_id = (await link.register(registration)).worker_id
    owner = installation.client.as_(tenant.keys["owner"])
    queue = (await owner.get("/queues")).json()["data"][0]["id"]  # the worker has made it
    await owner.post("/jobs", {"job_type": "t", "queue_id": queue, "max_attempts": 1})
    [attempt] = (await link.claim(1, 0)).attempts
    boom = Failed(ErrorReport("ValueError", f"boom of {name}"))
    await link.settle([Report(attempt.job.execution_id, boom, 0, 0)])
    error = (await owner.get("/errors")).json()["data"][0]["id"]
    await owner.delete(f"/jobs/{attempt.job.id}")
    job = (await owner.post("/jobs", {"job_type": "t", "queue_id": queue, "tags": [name]})).json()["data"][
        "id"
    ]
    user = (
        await owner.post("/users", {"email": f"ani@{name}.example", "role": "viewer", "password": PASSWORD})
    ).json()
    role_made = (await owner.post("/roles", {"name": "watcher", "permissions": ["job:read"]})).json()
    key = (await owner.post("/keys", {"name": "spare", "role": "viewer"})).json()["data"]["api_key"]["id"]
    entry = (await owner.get("/audit?limit=1")).json()["data"][0]["id"]
    operation = await owner.post("/operations", {"action": "cancel", "filter": {"tag": "nothing"}})
    schedule_name = str(uuid4())
    nightly = {"job_id": schedule_name, "task": "t", "cron": "0 0 * * *"}
    assert (await owner.post("/scheduled-jobs", nightly)).status_code == 201
    assigned = await owner.post("/assignments", {"queue_id": queue, "worker_name": "w-*", "weight": 3})
    policy = {"queue_name": "q", "scale_up_cooldown": 3600}
    assert (await owner.post("/scaling-policies", policy)).status_code == 201
    breaker = await owner.post("/breakers", {"job_type": "t"})
    mail = {"name": "ops", "kind": "email", "to": ["ops@example.com"]}
    receiver = (await owner.post("/alerts/receivers", mail)).json()["data"]["receiver"]["id"]
    rule = await owner.post("/alerts/rules", {"name": "long", "kind": "queue_length", "receivers": ["ops"]})
    silence = await owner.post("/alerts/silences", {"ends_at": "2036-01-01T00:00:00Z"})
    delivery = await owner.post(f"/alerts/receivers/{receiver}/test")
    tenant.ids = {
        "receiver_id": receiver,
        "rule_id": rule.json()["data"]["id"],
        "silence_id": silence.json()["data"]["id"],
        "delivery_id": delivery.json()["data"]["id"],
        "organization_id": str(tenant.organization_id),
        "project_id": str(project_id),
        "queue_id": queue,
        "job_id": job,
        "error_id": error,
        "worker_id": str(worker_id),
        "breaker_id": breaker.json()["data"]["id"],
        "assignment_id": assigned.json()["data"]["id"],
        "user_id": user["data"]["id"],
        "role_id": role_made["data"]["id"],
        "key_id": key,
        "entry_id": entry,
        "operation_id": operation.json()["data"]["id"],
        "execution_id": str(UUID(int=7)),
        "name": "t",
        "schedule_name": schedule_name,
        "queue_name": queue,
    }
    return tenant


def allowed_to(role: str, permission: Permission) -> bool:
    """Whether a built-in role has a permission."""
    return permission in ROLES[BuiltinRole(role)]


def client_of(installation: Installation, tenant: Tenant, role: str) -> Client:
    """Speaks for a key of this role."""
    return installation.client.as_(tenant.keys[role])
