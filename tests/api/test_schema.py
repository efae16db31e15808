"""What openapi.json promises, asked with values that a fuzzer makes up, alone; and the links that it draws.

In a soak each operation is asked often, and all that there is to check is checked.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import checks

from taskforge.domain.access import ALL
from tests.api.test_authorization import BODIES
from tests.conftest import SOAK
from tests.support.remote import KEY, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.installation import Client, Installation

pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")

DOCUMENT = Path(__file__).parents[2] / "openapi.json"
SCHEMA: Any = schemathesis.openapi.from_path(DOCUMENT)
HEADERS = {"Authorization": f"Bearer {KEY}"}
LASTING = r"\.(tail|stream|hints|claim)$"
OF_CREDENTIALS = r"^(auth|worker_protocol)\."
IN_A_SOAK = (
    "allow_header_conformance",
    "ensure_resource_availability",
    "missing_required_header",
    "positive_data_acceptance",
    "unsupported_method",
)
REFUSED_BY_RULE = ["2xx", "3xx", "401", "403", "404", "409", "422", "429", "5xx"]
"""What is valid by the schema may still break a rule that no schema tells: a page or an offset, not both."""
SCHEMA.config.checks.positive_data_acceptance.expected_statuses = REFUSED_BY_RULE
CHECKS = [
    checks.CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "use_after_free",
        *(SOAK * IN_A_SOAK),
    )
]
QUICK = settings(
    max_examples=30 if SOAK else 1,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
CHOSEN = SCHEMA.exclude(operation_id_regex=LASTING).exclude(operation_id_regex=OF_CREDENTIALS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(f"sqlite:///{tmp_path_factory.mktemp('fuzzed')}/jobs.db") as address:
        yield address


@CHOSEN.parametrize()  # type: ignore[untyped-decorator]
@QUICK
def test_an_operation_keeps_what_its_description_says(case: Any, server: str) -> None:
    if case.query and "wait" in case.query:
        case.query["wait"] = 0
    case.call_and_validate(base_url=server, headers=HEADERS, checks=CHECKS)


@pytest.mark.anyio
async def test_what_was_made_is_there_until_it_is_deleted(client: Client, installation: Installation) -> None:
    """Follows every link of the description: created, looked at, changed, deleted, gone."""
    root = client.as_(installation.callers.add("root", permissions=ALL))
    await root.post("/queues", {"name": "q"})
    document = json.loads(DOCUMENT.read_text())
    places = {
        described["operationId"]: (method, path.removeprefix("/api/v1"))
        for path, methods in document["paths"].items()
        for method, described in methods.items()
        if isinstance(described, dict)
    }
    followed = 0
    for name, (_, path) in places.items():
        links = links_of(document, name, places)
        if not links:
            continue
        made = await root.post(path, BODIES[name])
        assert made.status_code in (201, 202), (name, made.text)
        identity = made.json()["data"]["id"]
        for linked in sorted(links, key=lambda other: places[other][0] == "delete"):
            method, template = places[linked]
            where = template.partition("{")[0] + identity
            answer = await root.send(method.upper(), where, json=BODIES.get(linked))
            assert answer.status_code in (200, 204), (linked, answer.text)
            followed += 1
            if method == "delete" and "get" in document["paths"][f"/api/v1{template}"]:
                assert (await root.get(where)).status_code == 404, linked
    assert followed > 10


def links_of(document: Any, name: str, places: dict[str, tuple[str, str]]) -> list[str]:
    """The operations that a creation is linked with."""
    method, path = places[name]
    described = document["paths"].get(f"/api/v1{path}", {}).get(method, {})
    found = (answer.get("links", {}) for answer in described.get("responses", {}).values())
    return [linked for links in found for linked in links]
