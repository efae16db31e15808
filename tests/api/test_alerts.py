"""Alerts over HTTP, from the rule to a receiver on loopback and back."""

import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from taskforge.domain.webhook import is_signed
from tests.api.installation import Client, Installation, running
from tests.support.eventually import eventually
from tests.support.receivers import MailServer, Received, Receiver, mail_server, receiver

pytestmark = pytest.mark.anyio
PATIENCE = 30.0
WHOLE = {"Prefer": "return=representation"}


@pytest.fixture
async def there(anyio_backend: str) -> AsyncIterator[Receiver]:
    """A receiver of webhooks."""
    async with receiver() as found:
        yield found


@pytest.fixture
async def mails(anyio_backend: str) -> AsyncIterator[MailServer]:
    """A mail server."""
    async with mail_server(password="k33p-this-out") as found:
        yield found


@pytest.fixture
async def installation(
    database_url: str, mails: MailServer, anyio_backend: str
) -> AsyncIterator[Installation]:
    """An application that may send to loopback, and looks at rules all the time."""
    async with running(
        database_url,
        outbound_networks="127.0.0.0/8",
        smtp_url=mails.url,
        smtp_from="TaskForge <jobs@example.com>",
        alert_interval_seconds=0.1,
    ) as installation:
        yield installation


async def made(client: Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(path, body)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def requests(there: Receiver, count: int) -> list[Received]:
    def came() -> list[Received]:
        assert len(there.requests) >= count
        return there.requests

    return await eventually(came, timeout=PATIENCE)


async def test_an_alert_fires_and_recovers_end_to_end(
    client: Client, there: Receiver, mails: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hook = await made(
        client, "/alerts/receivers", {"name": "ops", "kind": "webhook", "url": there.url + "?token=t0ken"}
    )
    secret = hook["secret"]
    slack = {"name": "chat", "kind": "slack", "url": there.url.replace("/hook", "/services/T0/s3cret")}
    assert (await made(client, "/alerts/receivers", slack))["secret"] is None
    mail = {"name": "desk", "kind": "email", "to": ["ops@example.com"]}
    await made(client, "/alerts/receivers", mail)
    queue = await made(client, "/queues", {"name": "mail"})
    rule = await made(
        client,
        "/alerts/rules",
        {"name": "mail is late", "kind": "queue_length", "threshold": 1, "for_seconds": 0, "recovery_seconds": 0,
         "receivers": ["ops", "chat", "desk"]},
    )  # fmt: skip
    jobs = [await made(client, "/jobs", {"job_type": "t", "queue_id": queue["id"]}) for _ in range(2)]

    await requests(there, 2)
    by_path = {request.path: request for request in there.requests}
    signed, chat = by_path["/hook?token=t0ken"], by_path["/services/T0/s3cret"]
    assert is_signed(secret, signed.headers, signed.body, now=time.time())
    told = json.loads(signed.body)
    assert (told["type"], told["data"]["subject"], told["data"]["value"]) == ("alert.firing", "mail", 2)
    assert "webhook-signature" not in chat.headers
    assert "2 jobs wait in mail" in json.loads(chat.body)["text"]
    [firing] = (await client.get("/alerts?status=firing")).json()["data"]
    assert (firing["rule"], firing["alert_id"]) == ("mail is late", told["data"]["alert_id"])

    for job in jobs:
        assert (await client.post(f"/jobs/{job['id']}/cancel")).status_code == 204
    await requests(there, 4)
    recovered = [json.loads(one.body) for one in there.requests if one.path == signed.path][1]
    assert recovered["type"] == "alert.recovered"
    assert recovered["data"]["alert_id"] == told["data"]["alert_id"]
    ids = [one.headers["webhook-id"] for one in there.requests if one.path == signed.path]
    assert len(set(ids)) == 2

    async def delivered() -> None:
        found = (await client.get("/alerts/deliveries")).json()["data"]
        assert [one["status"] for one in found] == ["delivered"] * 6, found

    await eventually(delivered, timeout=PATIENCE)
    subjects = [line for _, _, text in mails.messages for line in text.splitlines() if line[:8] == "Subject:"]
    assert sorted(subjects) == [
        "Subject: [TaskForge] mail is late: 2 jobs wait in mail",
        "Subject: [TaskForge] mail is late: recovered (mail)",
    ]
    events = (await client.get(f"/alerts/events?rule_id={rule['id']}")).json()["data"]
    assert [(event["change"], event["told"]) for event in events] == [("recovered", True), ("firing", True)]

    shown = "".join(
        [
            (await client.get(f"/alerts/{what}?limit=200")).text
            for what in ("receivers", "deliveries", "rules", "events")
        ]
        + [
            (await client.get("/audit?limit=200")).text,
            (await client.get("/jobs?limit=200")).text,
            caplog.text,
        ]
    )
    for hidden in (secret, "t0ken", "s3cret", "k33p-this-out"):
        assert hidden not in shown
    actions = {entry["action"] for entry in (await client.get("/audit?limit=200")).json()["data"]}
    assert {"receiver.create", "alert_rule.create", "queue.create"} <= actions


async def test_a_receiver_that_answers_500_is_tried_again_under_the_same_id(
    client: Client, there: Receiver
) -> None:
    there.status, there.headers = 503, [("retry-after", "0")]
    hook = (await made(client, "/alerts/receivers", {"name": "ops", "kind": "webhook", "url": there.url}))[
        "receiver"
    ]
    asked = await client.post(f"/alerts/receivers/{hook['id']}/test")
    assert asked.status_code == 202
    at = "/alerts/deliveries/" + asked.json()["data"]["id"]
    await requests(there, 1)

    async def noted() -> dict[str, Any]:
        found: dict[str, Any] = (await client.get(at)).json()["data"]
        assert found["tries"] >= 1
        return found

    found = await eventually(noted, timeout=PATIENCE)
    assert (found["status"], found["last_answer"]) == ("waiting", "HTTP 503")
    assert (await client.post(f"{at}/retry")).status_code == 409
    there.status = 200
    await requests(there, 2)

    async def delivered() -> None:
        assert (await client.get(at)).json()["data"]["status"] == "delivered"
        job = (await client.get("/jobs/" + asked.json()["data"]["id"])).json()["data"]
        assert (job["job_type"], job["status"]) == ("taskforge.deliver", "succeeded")

    await eventually(delivered, timeout=PATIENCE)
    assert len({request.headers["webhook-id"] for request in there.requests}) == 1


async def test_what_trying_again_cannot_help_fails_and_can_be_sent_again(
    client: Client, there: Receiver
) -> None:
    there.status = 410
    hook = (await made(client, "/alerts/receivers", {"name": "ops", "kind": "webhook", "url": there.url}))[
        "receiver"
    ]
    at = (
        "/alerts/deliveries/"
        + (await client.post(f"/alerts/receivers/{hook['id']}/test")).json()["data"]["id"]
    )

    async def status(wanted: str) -> None:
        assert (await client.get(at)).json()["data"]["status"] == wanted

    await eventually(lambda: status("failed"), timeout=PATIENCE)
    there.status = 204
    assert (await client.post(f"{at}/retry")).status_code == 204
    await eventually(lambda: status("delivered"), timeout=PATIENCE)


async def test_somebody_is_told_when_a_job_ends(client: Client, there: Receiver) -> None:
    await made(client, "/alerts/receivers", {"name": "ops", "kind": "webhook", "url": there.url})
    await made(client, "/queues", {"name": "mail"})
    job = await made(client, "/jobs", {"job_type": "export", "queue_name": "mail"})
    at = f"/alerts/notices/{job['id']}"
    assert (await client.send("PUT", at, json={"receivers": ["nobody"]})).status_code == 404
    put = await client.send("PUT", at, json={"receivers": ["ops"]}, headers=WHOLE)
    assert put.json()["data"] == {"job_id": job["id"], "receivers": ["ops"]}
    assert (await client.post(f"/jobs/{job['id']}/cancel")).status_code == 204
    [request] = await requests(there, 1)
    told = json.loads(request.body)
    assert (told["type"], told["data"]["job_id"], told["data"]["status"]) == (
        "job.cancelled", job["id"], "cancelled",
    )  # fmt: skip
    found = (await client.get("/alerts/deliveries")).json()["data"]
    assert [(one["cause"], one["cause_id"]) for one in found] == [("job", job["id"])]


async def test_who_makes_a_job_and_who_has_a_queue_says_who_is_told(client: Client, there: Receiver) -> None:
    hook = await made(client, "/alerts/receivers", {"name": "ops", "kind": "webhook", "url": there.url})
    settings = {"notify": ["ops"], "notify_on": ["cancelled"]}
    queue = await made(client, "/queues", {"name": "mail"})
    at = f"/queues/{queue['id']}"
    changed = (await client.patch(at, {"settings": settings}, headers=WHOLE)).json()["data"]["settings"]
    assert (changed["notify"], changed["notify_on"]) == ([hook["receiver"]["id"]], ["cancelled"])
    await made(client, "/queues", {"name": "other"})
    drafts = [{"job_type": "t", "queue_name": name, "notify": ["ops"]} for name in ("other", "other")]
    drafts[1]["notify"] = ["opps"]
    for path, body in (("/jobs/bulk", {"jobs": drafts}), ("/jobs", drafts[1])):
        refused = await client.post(path, body)
        assert refused.status_code == 422, refused.text
        assert "notify" in refused.text
        assert "did you mean ops?" in refused.text
    for wrong in (["nobody"], [7], "x" * 101, ["ops"] * 21):
        refused = await client.patch(at, {"settings": {"notify": wrong}})
        assert refused.status_code == 422, (wrong, refused.text)
        assert "notify" in refused.text
    del drafts[1]["notify"]
    drafts.append({"job_type": "t", "queue_name": "mail"})
    jobs = [job["id"] for job in (await client.post("/jobs/bulk", {"jobs": drafts})).json()["data"]]
    for job in jobs:
        assert (await client.post(f"/jobs/{job}/cancel")).status_code == 204
    told = [json.loads(one.body) for one in await requests(there, 2)]
    assert {one["data"]["job_id"] for one in told} == {jobs[0], jobs[2]}
    newest = (await client.get("/alerts/deliveries?limit=1")).json()
    older = await client.get(f"/alerts/deliveries?cursor={newest['meta']['next_cursor']}")
    assert len({one["id"] for one in (*newest["data"], *older.json()["data"])}) == 2
    assert older.json()["meta"]["has_more"] is False


async def test_a_secret_is_replaced_and_the_old_one_signs_for_a_day(client: Client, there: Receiver) -> None:
    hook = await made(client, "/alerts/receivers", {"name": "ops", "kind": "webhook", "url": there.url})
    at = f"/alerts/receivers/{hook['receiver']['id']}"
    new = (await client.post(f"{at}/secret")).json()["data"]["secret"]
    assert new != hook["secret"]
    await client.post(f"{at}/test")
    [request] = await requests(there, 1)
    for secret in (new, hook["secret"]):
        assert is_signed(secret, request.headers, request.body, now=time.time())
    assert (await client.post(f"{at}/secret", {"secret": "whsec_short"})).status_code == 422


async def test_the_life_of_rules_receivers_and_silences(client: Client) -> None:
    mail = {"name": "desk", "kind": "email", "to": ["ops@example.com"]}
    desk = (await made(client, "/alerts/receivers", mail))["receiver"]
    assert (await client.post("/alerts/receivers", mail)).status_code == 409
    rule = await made(
        client, "/alerts/rules", {"name": "graves", "kind": "dead_letters", "receivers": ["desk"]}
    )
    assert (rule["threshold"], rule["receivers"], rule["subject"]) == (0.0, [desk["id"]], "queue")
    at = f"/alerts/rules/{rule['id']}"
    etag = (await client.get(at)).headers["etag"]
    changed = await client.patch(
        at, {"threshold": 5, "name": "more graves"}, headers={**WHOLE, "If-Match": etag}
    )
    assert (changed.json()["data"]["threshold"], changed.json()["data"]["name"]) == (5.0, "more graves")
    assert (await client.patch(at, {"threshold": 1}, headers={"If-Match": etag})).status_code == 412
    assert (await client.patch(at, {"threshold": None}, headers=WHOLE)).json()["data"]["threshold"] == 0.0
    until = {"ends_at": "2036-01-01T00:00:00Z", "rule_id": rule["id"], "reason": "known"}
    silence = await made(client, "/alerts/silences", until)
    assert silence["created_by"] == "admin"
    listed = (await client.get("/alerts/rules", headers={"Accept-Language": "id"})).json()
    assert listed["message"] == "Ditemukan 1 aturan peringatan"
    assert (await client.patch(f"/alerts/receivers/{desk['id']}", {"to": ["ani@example.com"]}, headers=WHOLE)).json()[
        "data"]["address"] == "ani@example.com"  # fmt: skip
    for path in (f"/alerts/silences/{silence['id']}", at, f"/alerts/receivers/{desk['id']}"):
        assert (await client.delete(path)).status_code == 204
        assert (await client.delete(path)).status_code == 404
    for path in ("/alerts/silences", "/alerts/rules", "/alerts/receivers"):
        assert (await client.get(path)).json()["data"] == []


WRONG: list[tuple[str, dict[str, Any], int, str | None]] = [
    ("rules", {"name": "a", "kind": "colour"}, 422, None),
    ("rules", {"name": "a", "kind": "failure_rate", "threshold": 101}, 422, "/threshold"),
    ("rules", {"name": "a", "kind": "no_worker", "window_seconds": 60}, 422, "/window_seconds"),
    ("rules", {"name": "a", "kind": "queue_length", "queue": "nowhere"}, 404, None),
    ("rules", {"name": "a", "kind": "queue_length", "receivers": ["nobody"]}, 404, None),
    ("receivers", {"name": "a", "kind": "webhook"}, 422, "/url"),
    ("receivers", {"name": "a", "kind": "webhook", "url": "ftp://x/"}, 422, "/url"),
    ("receivers", {"name": "a", "kind": "webhook", "url": "http://169.254.169.254/latest"}, 422, "/url"),
    ("receivers", {"name": "a", "kind": "webhook", "url": "https://[::1]/"}, 422, "/url"),
    ("receivers", {"name": "a", "kind": "slack", "url": "https://10.0.0.1/"}, 422, "/url"),
    ("receivers", {"name": "a", "kind": "email", "to": ["a@b\r\nBcc: c@d"]}, 422, "/to"),
    ("receivers", {"name": "a", "kind": "email", "url": "https://a.example/"}, 422, "/url"),
    ("silences", {"ends_at": "2020-01-01T00:00:00Z"}, 422, "/ends_at"),
    ("silences", {"ends_at": "2036-01-01T00:00:00Z", "subject": "a"}, 422, "/rule_id"),
]


async def test_what_is_wrong_is_named(client: Client) -> None:
    for path, body, status, pointer in WRONG:
        answer = await client.post(f"/alerts/{path}", body)
        assert answer.status_code == status, (body, answer.text)
        if pointer is not None:
            assert answer.json()["errors"][0]["pointer"] == pointer
