"""A server with something to show: tasks that run and fail, queues, dead letters, people, two tenants."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.support.processes import ChildProcess, Processes
from tests.support.waiting import wait_until

APPLICATION = Path(__file__).with_name("shown_app.py")
HOSTILE = {
    "to": "<script>window.hurt = 1</script>",
    "subject": '\u202egnp.exe <img src=x onerror="window.hurt = 1"> \x1b[31mred\x1b[0m',
}
PASSWORD = "four words in line"


@dataclass
class Scene:
    """Where it is served, and by which keys."""

    url: str
    key: str
    email: str
    password: str
    server: "Server"
    ids: dict[str, str] = field(default_factory=dict)
    viewer_key: str = ""
    developer_key: str = ""
    other_key: str = ""
    """Of another organization."""

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """What the API answers to the owner's key, or to another one; raises for refusals."""
        credential = {"Authorization": f"Bearer {key or self.key}"}
        answer = self._http.request(method, f"{self.url}/api/v1{path}", json=body, headers=credential)
        assert answer.status_code < 400, answer.text
        return answer.json()["data"] if answer.content else None

    def __post_init__(self) -> None:
        self._http = httpx2.Client(timeout=60)

    @property
    def database(self) -> Path:
        """The file of its database."""
        return Path(self.server.environment["TASKFORGE_DATABASE_URL"].removeprefix("sqlite:///"))

    def close(self) -> None:
        """End its connections."""
        self._http.close()


class Server:
    """`taskforge dev` over one database, which can go and come back at the same address."""

    def __init__(self, processes: Processes, folder: Path, root: str) -> None:
        self.environment = {"TASKFORGE_DATABASE_URL": f"sqlite:///{folder}/shown.db"}
        if root:
            self.environment["TASKFORGE_ROOT_PATH"] = root
        self._processes = processes
        self._shop = Path(
            shutil.copy(APPLICATION, folder / "shop.py")
        )  # beside the tests: longer names of tasks
        self.program = self.start(port=0)

    def start(self, port: int) -> ChildProcess:
        """Start it; 0 is any free port."""
        environment = {**self.environment, "TASKFORGE_PORT": str(port)}
        self.program = self._processes.taskforge(
            "dev", str(self._shop), "--no-reload", "-c", "4", environment=environment
        )
        return self.program


@contextmanager
def scene(processes: Processes, folder: Path, root: str = "") -> Iterator[Scene]:
    """`taskforge dev` over a new database, and what a day of work leaves behind."""
    server = Server(processes, folder, root)
    account = server.program.wait_for(r"administrator (\S+), password (\S+) ", timeout=90)
    found = server.program.wait_for(r"^dashboard (\S.*)/#key=(\S+)$", timeout=90)
    shown = Scene(found[1], found[2], account[1], account[2], server)
    options = ("--organization", "acme", "--role", "admin")
    keys = processes.taskforge("keys", "create", *options, environment=server.environment)
    try:
        fill(shown)
        shown.other_key = keys.wait_for(r"(tfk_\S+)", timeout=60)[1]
        shown.call("POST", "/queues", {"name": "plans"}, shown.other_key)
        plan = {"job_type": "acme.plan", "queue_name": "plans", "payload": {"goal": "the moon"}}
        shown.ids["of_others"] = shown.call("POST", "/jobs", plan, shown.other_key)["id"]
        yield shown
    finally:
        shown.close()


def fill(shown: Scene) -> None:
    """Queues with settings, jobs in every state, a user, a role, keys, a second project."""
    queues = {}
    for name in ("billing", "billing-dead", "default", "imports", "mail", "reports"):
        known = {queue["name"]: queue["id"] for queue in shown.call("GET", "/queues?limit=200")}
        queues[name] = known.get(name) or shown.call("POST", "/queues", {"name": name})["id"]
    shown.call(
        "PATCH",
        f"/queues/{queues['billing']}",
        {
            "settings": {"dead_letter_queue_id": queues["billing-dead"], "max_concurrent_jobs": 4},
            "priority": 5,
            "description": "Charges to cards",
        },
    )
    shown.call("PATCH", f"/queues/{queues['mail']}", {"settings": {"retry_delay_seconds": 0.1}})
    unknown = [
        {"job_type": "imports.load_file", "queue_name": "imports", "payload": {"n": n}} for n in range(4)
    ]
    shown.call("POST", "/jobs/bulk", {"jobs": unknown})
    shown.ids = {
        "queue": queues["billing"],
        "mail": queues["mail"],
        "imports": queues["imports"],
        "running": shown.call("POST", "/jobs", job("monthly_report", {"month": "2026-01"}))["id"],
        "waiting": shown.call("GET", "/jobs?job_type=imports.load_file&limit=1")[0]["id"],
        "worker": shown.call("GET", "/workers")[0]["id"],
        "other_project": shown.call("POST", "/projects", {"name": "warehouse"})["id"],
    }
    held = shown.call("POST", "/breakers", {"job_type": "shop.monthly_report"})["id"]
    shown.call("POST", f"/breakers/{held}/open", {"reason": "the warehouse is rebuilt"})
    plan(shown)
    divide(shown)
    watch(shown)
    fill_again(shown)
    wait_until(lambda: len(shown.call("GET", "/errors")) >= 2, 30)
    shown.ids["error"] = shown.call("GET", "/errors")[0]["id"]
    shown.call("POST", "/roles", {"name": "watcher", "permissions": ["job:read", "queue:read"]})
    shown.call("POST", "/users", {"email": "ani@example.com", "role": "viewer", "password": PASSWORD})
    project = shown.call("GET", f"/jobs/{shown.ids['failing']}")["project_id"]
    made = shown.call("POST", "/keys", {"name": "wall screen", "role": "viewer", "project_id": project})
    shown.viewer_key = made["key"]
    shown.developer_key = shown.call("POST", "/keys", {"name": "laptop", "role": "developer"})["key"]


def plan(shown: Scene) -> None:
    """Schedules that have run, one that was changed against the code, one that rests; a calendar."""
    shown.call("PUT", "/calendars/office", {"weekdays": ["SAT,SUN"], "dates": ["2026-12-25"]})
    reminder = {
        "job_id": "reminders",
        "task": "shop.send_mail",
        "interval_seconds": "6h",
        "description": "Unpaid bills",
    }
    late = {"job_id": "month-end", "task": "shop.add", "cron": "0 18 L * *", "timezone": "Asia/Jakarta"}
    shown.call("POST", "/scheduled-jobs", {**reminder, "arguments": HOSTILE})
    shown.call("POST", "/scheduled-jobs", {**late, "arguments": {"a": 1, "b": 2}, "calendars": ["office"]})
    shown.call("POST", "/scheduled-jobs/month-end/disable")
    wait_until(lambda: len(shown.call("GET", "/scheduled-jobs")) == 3, 30)
    for name in ("reminders", "shop.close_books", "shop.close_books"):
        shown.call("POST", f"/scheduled-jobs/{name}/trigger?wait=20")
    shown.call("PATCH", "/scheduled-jobs/shop.close_books", {"overlap": "queue_one"})


def divide(shown: Scene) -> None:
    """Workers that are assigned to queues: one by name, all by a pattern, one that is away; scaling policies."""
    worker = shown.call("GET", f"/workers/{shown.ids['worker']}")["name"]
    for queue, name, weight in (("default", worker, 5), ("reports", "*", 2), ("imports", "importer-1", 3)):
        shown.call("POST", "/assignments", {"queue_name": queue, "worker_name": name, "weight": weight})
    shown.call("POST", "/scaling-policies", {"queue_name": "imports", "min_workers": 1, "max_workers": 4})
    shown.call(
        "POST", "/scaling-policies", {"queue_name": "mail", "max_workers": 8, "target_age_seconds": 60}
    )
    shown.call("POST", f"/scaling-policies/{shown.ids['imports']}/execute")


def watch(shown: Scene) -> None:
    """Alert rules, one of which fires at once; somebody who is told; a silence."""
    who = {"name": "operations", "kind": "email", "to": ["ops@example.com"]}
    shown.call("POST", "/alerts/receivers", who)
    stuck = {"name": "Nobody runs it", "kind": "no_worker", "for_seconds": 0, "receivers": ["operations"]}
    shown.call("POST", "/alerts/rules", stuck)
    slow = {"name": "Mails are late", "kind": "oldest_waiting", "queue": "mail", "threshold": 60}
    rule = shown.call("POST", "/alerts/rules", slow)["id"]
    silence = {"rule_id": rule, "ends_at": "2099-01-01T00:00:00Z", "reason": "the provider is moving"}
    shown.call("POST", "/alerts/silences", silence)


def fill_again(shown: Scene) -> None:
    """Jobs that end well or badly, such that an operator has something to mend."""
    waiting = shown.call("GET", "/jobs/counts")["counts"]["pending"]
    mails = [mail(f"customer{number}@example.com", number) for number in range(60)]
    charges = [job("charge", {"invoice": n, "amount": n * 1000.5}) for n in range(1, 40)]
    later = [job("add", {"a": n, "b": 2}, delay_ms=3_600_000 * (n + 1)) for n in range(5)]
    shown.call("POST", "/jobs/bulk", {"jobs": [*mails, *charges, *later]})
    shown.ids["failing"] = shown.call("POST", "/jobs", mail("nobody", 0))["id"]
    shown.ids["hostile"] = shown.call("POST", "/jobs", job("send_mail", HOSTILE))["id"]
    for name in ("failing", "hostile"):
        shown.call("GET", f"/jobs/{shown.ids[name]}/result?wait=30")
    wait_until(lambda: shown.call("GET", "/jobs/counts")["counts"]["pending"] <= waiting, 30)


def job(name: str, payload: Any, **options: Any) -> dict[str, Any]:
    """A job of one of the tasks."""
    return {"job_type": f"shop.{name}", "payload": payload, **options}


def mail(to: str, number: int) -> dict[str, Any]:
    """A mail with tags."""
    return job("send_mail", {"to": to, "subject": "Your invoice"}, tags=["customer", f"region-{number % 3}"])


def slug(path: str) -> str:
    """A path as the name of a file."""
    return re.sub(r"[^a-z]+", "-", path.lower()).strip("-") or "overview"
