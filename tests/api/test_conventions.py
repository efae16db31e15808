"""What holds for every operation: bodies, headers, languages, limits."""

import gzip
import json

import pytest

from taskforge.api.origins import parse_origins
from taskforge.domain.errors import InvalidSetting
from tests.api.installation import Client, running

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
    packed = gzip.compress(b'{"name": "' + b"x" * 1_000_000 + b'"}')
    json_packed = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert (await client.send("POST", "/queues", content=packed, headers=json_packed)).status_code == 415


async def test_a_body_has_its_limit(client: Client) -> None:
    refused = await client.post("/queues", {"name": "x" * 1_100_000})
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")


async def test_headers_and_addresses_have_their_limits(client: Client) -> None:
    assert (await client.get("/queues?" + "x" * 9000)).status_code == 414
    assert (await client.get("/queues", headers={"X-Long": "x" * 17_000})).status_code == 431


async def test_head_is_get_without_its_body(client: Client) -> None:
    for path in ("/queues", "/events", "//health/live", "//openapi.json"):
        head = await client.send("HEAD", path)
        assert (head.status_code, head.content) == (200, b"")
    whole, head = await client.get("/queues"), await client.send("HEAD", "/queues")
    assert head.headers["content-length"] == str(len(whole.content))
    assert (await client.send("HEAD", "/nothing")).status_code == 404
    refused = await client.send("HEAD", "/auth/login")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


async def test_unknown_paths_and_methods_are_problems_as_well(client: Client) -> None:
    missing = await client.get("/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "no_such_path")
    wrong = await client.send("PUT", "/queues")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    word = await client.get("/jobs/bulk")  # the word of another operation is no id that is wrong
    assert (word.status_code, word.headers["allow"]) == (405, "POST")
    named = await client.get("/scheduled-jobs/pause")  # but may be a name
    assert (named.status_code, named.json()["code"]) == (404, "not_found")
    assert wrong.headers["allow"] == "GET, HEAD, POST"
    assert (await client.get("/jobs?created_to=0.5")).status_code == 422


async def test_people_are_spoken_to_in_their_language(client: Client) -> None:
    found = await client.get("/queues", headers={"Accept-Language": "id-ID, en;q=0.5"})
    assert found.json()["message"] == "Ditemukan 0 queue"
    missing = await client.get("/nothing", headers={"Accept-Language": "id"})
    assert missing.json()["title"] == "Tidak ada apa pun di alamat ini"
    wrong = await client.get("/queues?page=100&limit=200", headers={"Accept-Language": "id"})
    assert wrong.json()["hint"].startswith("persempit filternya")
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
    alive = await client.as_(None).get("//health/live")
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    ready = await client.as_(None).get("//health/ready")
    checks = dict.fromkeys(("database", "schema", "recovery", "scheduler"), "ok")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "checks": checks})


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


async def test_a_caller_says_which_fields_it_wants_and_in_which_order(client: Client) -> None:
    for number, name in enumerate(("b", "c", "a")):
        await client.post(
            "/queues", {"name": name, "priority": number % 2, "description": name * number or None}
        )
    found = await client.get("/queues?sort=-priority,name&fields=name,priority")
    assert found.json()["data"] == [
        {"name": "c", "priority": 1},
        {"name": "a", "priority": 0},
        {"name": "b", "priority": 0},
    ]
    described = (await client.get("/queues?sort=-description&fields=description")).json()["data"]
    assert [queue["description"] for queue in described] == ["c", "aa", None]
    one = (await client.get("/queues")).json()["data"][0]["id"]
    assert (await client.get(f"/queues/{one}?fields=name")).json()["data"] == {"name": "a"}
    for wrong in ("fields=nothing", "fields=", "fields=a b", "sort=nothing", "sort=settings", "sort=;"):
        assert (await client.get(f"/queues?{wrong}")).status_code == 422, wrong
    assert (await client.get("/jobs?sort=-created_at")).status_code == 200
    assert (await client.get("/jobs?sort=priority")).status_code == 422


async def test_pages_of_other_sites_read_nothing_unless_they_are_named(sqlite_url: str) -> None:
    ours, other = {"Origin": "https://a.example"}, {"Origin": "https://b.example"}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    async with running(sqlite_url) as closed:
        answer = await closed.client.get("/queues", headers=ours)
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert (await closed.client.send("OPTIONS", "/queues", headers={**ours, **asked})).status_code == 405
    async with running(sqlite_url, cors_origins="https://a.example, http://localhost:3000") as opened:
        client = opened.client
        answer = await client.get("/queues", headers=ours)
        assert answer.headers["access-control-allow-origin"] == "https://a.example"
        assert "access-control-allow-credentials" not in answer.headers
        assert "Origin" in answer.headers["vary"]
        preflight = await client.as_(None).send("OPTIONS", "/queues", headers={**ours, **asked})
        assert preflight.status_code == 204
        assert "Authorization" in preflight.headers["access-control-allow-headers"]
        for denied in (
            await client.get("/queues", headers=other),
            await client.send("OPTIONS", "/queues", headers={**other, **asked}),
        ):
            assert not [name for name in denied.headers if name.startswith("access-control")]


@pytest.mark.parametrize("origin", ["*", "a.example", "https://a.example/", "null", "ftp://a.example"])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(InvalidSetting):
        parse_origins(origin)
