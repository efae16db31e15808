"""What holds for every operation: bodies, headers, languages, limits."""

import json

import pytest

from tests.api.installation import Client

pytestmark = pytest.mark.anyio


async def test_who_says_nothing_is_told_to_say_who_it_is(client: Client) -> None:
    for token in (None, "nobody"):
        refused = await client.as_(token).get("/queues")
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
        assert refused.headers["www-authenticate"].startswith("Bearer")


async def test_a_key_in_the_query_is_not_read(client: Client) -> None:
    assert (await client.as_(None).get("/queues?token=admin")).status_code == 401
    assert (await client.get("/queues?token=admin")).status_code == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"name": ', 400),
        (b"\xff", 400),
        (b'{"name": "q", "priority": NaN}', 422),
        (b'{"name": "q", "priority": Infinity}', 422),
        (b'{"name": "q", "priority": 1e999}', 422),
        (b'{"name": "q", "name": "r"}', 422),
        (rb'{"name": "\ud800"}', 422),
        (rb'{"\ud800": 1}', 422),
        (rb'{"name": "a\u0000b"}', 422),
        (b'{"name": "q", "settings": ' + b'{"a":' * 100 + b"1" + b"}" * 100 + b"}", 422),
        (b"[" * 100_000, 422),
        (b'{"name": "q", "priority": true}', 422),
        (b'{"name": "q", "priority": "1"}', 422),
        (b'{"name": "q", "priority": ' + b"9" * 5000 + b"}", 422),
        (b'{"name": "q", "organization_id": "x"}', 422),
        (b'{"name": "q", "project_id": "x"}', 422),
        (b'{"name": "q", "id": "x"}', 422),
        (b"", 422),
        (b"null", 422),
    ],
)
async def test_a_body_with_a_trap_is_refused_by_a_sound_answer(
    client: Client, body: bytes, status: int
) -> None:
    refused = await client.post("/queues", content=body, headers={"Content-Type": "application/json"})
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"
    problem = json.loads(refused.content.decode())
    json.dumps(problem).encode()
    assert problem["status"] == status


async def test_a_body_says_that_it_is_json(client: Client) -> None:
    refused = await client.post("/queues", content=b'{"name": "q"}', headers={"Content-Type": "text/plain"})
    assert (refused.status_code, refused.json()["code"]) == (415, "unsupported_media_type")


async def test_a_body_has_its_limit(client: Client) -> None:
    refused = await client.post("/queues", {"name": "x" * 1_100_000})
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")


async def test_headers_and_addresses_have_their_limits(client: Client) -> None:
    assert (await client.get("/queues?" + "x" * 9000)).status_code == 414
    assert (await client.get("/queues", headers={"X-Long": "x" * 17_000})).status_code == 431


async def test_unknown_paths_and_methods_are_problems_as_well(client: Client) -> None:
    missing = await client.get("/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "no_such_path")
    wrong = await client.send("PUT", "/queues")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "GET, POST"
    assert (await client.get("/jobs?created_to=0.5")).status_code == 422


async def test_people_are_spoken_to_in_their_language(client: Client) -> None:
    found = await client.get("/queues", headers={"Accept-Language": "id-ID, en;q=0.5"})
    assert found.json()["message"] == "Ditemukan 0 queue"
    missing = await client.get("/nothing", headers={"Accept-Language": "id"})
    assert missing.json()["title"] == "Tidak ada apa pun di alamat ini"
    assert (await client.get("/queues")).json()["message"] == "Found 0 queues"


async def test_every_answer_carries_its_id_and_the_security_headers(client: Client) -> None:
    answer = await client.get("/queues", headers={"X-Request-ID": "abc-1"})
    assert answer.headers["x-request-id"] == "abc-1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "access-control-allow-origin" not in answer.headers
    forged = await client.get("/queues", headers={"X-Request-ID": "a b"})
    assert forged.headers["x-request-id"] != "a b"


async def test_long_answers_are_compressed(client: Client) -> None:
    for number in range(20):
        await client.post("/queues", {"name": f"q{number}"})
    assert (await client.get("/queues")).headers["content-encoding"] == "gzip"


async def test_health_needs_no_credentials(client: Client) -> None:
    for path in ("//health/live", "//health/ready"):
        answer = await client.as_(None).get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_the_documentation_is_served_by_ourselves(client: Client) -> None:
    page = await client.as_(None).get("//docs")
    assert "http" not in page.text.replace("<!doctype html>", "")
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js"):
        assert (await client.as_(None).get(f"//docs/{asset}")).status_code == 200
    assert (await client.as_(None).get("//docs/other")).status_code == 404
    described = await client.as_(None).get("//openapi.json")
    assert described.json()["openapi"] == "3.1.0"
    again = await client.get("//openapi.json", headers={"If-None-Match": described.headers["etag"]})
    assert again.status_code == 304
