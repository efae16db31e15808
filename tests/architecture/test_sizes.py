"""Files own one noun or verb; one that grows past this limit needs its reason."""

from tests.architecture.source import modules, name_of

MOST_LINES = 400
EXCEPTIONS: dict[str, str] = {
    "platform.py": "one line of composition for each service of a project",
}


def test_no_module_is_large_without_a_reason() -> None:
    large = {name_of(path) for path in modules() if len(path.read_text("utf-8").splitlines()) > MOST_LINES}
    assert large == set(EXCEPTIONS)
