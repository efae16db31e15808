"""The dashboard's page and files, as the server hands them out."""

import gzip
import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from taskforge.api.application import create_application
from taskforge.api.backend import ApiOptions
from taskforge.dashboard import pages

ROUTER = Path(__file__).resolve().parents[2] / "dashboard/src/router.tsx"
INDEX = """<meta name="taskforge-root" content=""><meta name="taskforge-environment" content=""><script src="./early.js"></script>
<script type="module" src="./assets/index-1.js"></script>"""


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / "early.js").write_text("1")
    (tmp_path / "assets/index-1.js").write_text("2")
    (tmp_path / "assets/index-1.js.gz").write_bytes(gzip.compress(b"2"))
    (tmp_path / "secret.txt").write_text("3")
    monkeypatch.setattr(pages, "_static", lambda: tmp_path)
    return tmp_path


def client_of(root_path: str = "", environment: str = "") -> TestClient:
    from contextlib import nullcontext

    application = create_application(lambda: nullcontext(), ApiOptions(secret=b"", root_path=root_path))  # type: ignore[arg-type,return-value]
    pages.serve_dashboard(application, environment)
    assert isinstance(application, Starlette)
    return TestClient(application, raise_server_exceptions=False)


def test_every_address_of_the_dashboard_is_its_page(built: Path) -> None:
    client = client_of()
    for path in ("/", *(f"/{name}{rest}" for name in pages.PAGES for rest in ("", "/some/thing"))):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8"), path
        assert 'src="/assets/index-1.js"' in answer.text
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy


def test_the_pages_that_the_router_knows_are_served() -> None:
    known = set(re.findall(r'path: "/([a-z-]+)', ROUTER.read_text("utf-8")))
    assert known == set(pages.PAGES)


def test_under_another_root_every_address_begins_with_it(built: Path) -> None:
    client = client_of("/x/y")
    text = client.get("/x/y/jobs").text
    assert client.get("/jobs").text == text  # a proxy may also take the root away
    assert client.get("/x/y/assets/index-1.js").text == "2"
    assert 'content="/x/y"' in text
    assert set(re.findall(r'src="([^"]+)"', text)) == {"/x/y/early.js", "/x/y/assets/index-1.js"}


def test_the_page_says_what_the_installation_is(built: Path) -> None:
    text = client_of(environment='staging"><script>').get("/").text
    assert 'name="taskforge-environment" content="staging&quot;&gt;&lt;script&gt;"' in text


def test_files_with_a_hash_are_kept_for_ever(built: Path) -> None:
    answer = client_of().get("/assets/index-1.js")
    assert (answer.text, answer.headers["cache-control"]) == ("2", pages.FOR_EVER)
    assert client_of().get("/early.js").headers["cache-control"] == "no-cache"


def test_a_file_is_packed_for_those_who_can_unpack_it(built: Path) -> None:
    script = "const one = 1;\n" * 1000
    (built / "assets/index-2.js").write_text(script)
    (built / "assets/index-2.js.gz").write_bytes(gzip.compress(script.encode()))
    client = client_of()
    packed = client.get("/assets/index-2.js", headers={"Accept-Encoding": "gzip"})
    assert (packed.text, packed.headers["content-encoding"]) == (script, "gzip")
    assert int(packed.headers["content-length"]) < 1000
    assert (packed.headers["cache-control"], packed.headers["vary"]) == (pages.FOR_EVER, "Accept-Encoding")
    plain = client.get("/assets/index-2.js", headers={"Accept-Encoding": "identity"})
    assert plain.text == script
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize(
    "name", ["other.js", "..%2Fsecret.txt", "%2e%2e%2findex.html", "index-1.js%00", "index-1.js.gz", ".stamp"]
)
def test_only_built_files_are_handed_out(built: Path, name: str) -> None:
    assert client_of().get(f"/assets/{name}").status_code == 404


def test_the_api_keeps_its_own_answers(built: Path) -> None:
    client = client_of()
    assert client.get("/api/v1/nothing").json()["code"] == "no_such_path"
    assert client.get("/nothing").status_code == 404
    assert client.post("/jobs").status_code == 405


def test_without_a_build_the_page_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_static", lambda: tmp_path)
    answer = client_of().get("/jobs")
    assert answer.status_code == 200
    assert "make dashboard" in answer.text
