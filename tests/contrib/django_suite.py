"""Django's own tests of tasks and their backends, run against TaskForge: ``python -m tests.contrib.django_suite``.

They are in Django's source distribution, which is fetched for the run. Where they name Django's ``DummyBackend``, which
keeps jobs, they meet a backend that keeps them here; where they name ``ImmediateBackend``, one whose jobs run at once, by
the worker's own code. Before Django 6 the tests of Django 6 are run against the package ``django-tasks``.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
from django.conf import settings

if TYPE_CHECKING:
    import unittest

FOR_THE_BACKPORT = "6.0.10"
DUMMY, IMMEDIATE = "django.tasks.backends.dummy", "django.tasks.backends.immediate"
ADAPTERS = "tests.contrib.django_adapters"
IT_CAN = "says that its backend cannot do what TaskForge can"
COMMITTED = "a job exists when its transaction commits, not before: that is what TaskForge promises"
OF_THE_TESTS_OWN = "is about the dummy's own list in memory"
EXPECTED = {
    "test_cannot_get_result": IT_CAN,
    "test_cannot_refresh_result": IT_CAN,
    "test_cannot_pass_run_after": IT_CAN,
    "test_throws_keyboard_interrupt": "an interrupt of a handler is a failed attempt in a worker, and ends nothing else",
    "test_doesnt_wait_until_transaction_commit_by_default": COMMITTED,
    "DummyBackendTestCase.test_refresh_result": OF_THE_TESTS_OWN,
    "DummyBackendTestCase.test_refresh_result_async": OF_THE_TESTS_OWN,
}
"""Tests that are not run, and why."""


def main() -> int:
    """Fetch, adapt, run; answers the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, help="a source distribution of Django that is here already")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = given.source or fetched(Path(folder))
        unpack(source, Path(folder))
        sys.path.insert(0, folder)
        return run(source.name)


def fetched(folder: Path) -> Path:
    """Django's source distribution, by pip."""
    version = django.get_version() if django.VERSION >= (6, 0) else FOR_THE_BACKPORT
    wanted = ["--no-deps", "--no-binary=:all:", "--ignore-requires-python", f"django=={version}"]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download"]
    subprocess.run([*pip, *wanted, f"--dest={folder}"], check=True)
    return next(folder.glob("[dD]jango-*.tar.gz"))


def unpack(source: Path, folder: Path) -> None:
    """Django's tests of tasks, as the package ``tasks``, speaking of our backends."""
    (folder / "tasks").mkdir()
    with tarfile.open(source) as archive:
        for member in archive.getmembers():
            found = re.fullmatch(r"[^/]+/tests/tasks/(\w+\.py)", member.name)
            content = archive.extractfile(member) if found else None
            if found is not None and content is not None:
                (folder / "tasks" / found[1]).write_text(adapted(content.read().decode()))


def adapted(text: str) -> str:
    """The text of a test, with our backends for Django's, and messages of others as they are worded here."""
    for module, name in ((DUMMY, "DummyBackend"), (IMMEDIATE, "ImmediateBackend")):
        text = text.replace(f'"{module}.{name}"', f'"{ADAPTERS}.{name}"')
        text = text.replace(f"from {module} import", f"from {ADAPTERS} import")
    if django.VERSION < (6, 0):
        text = re.sub(r"\b(InvalidTask|InvalidTaskBackend)\b(?=,|\n|\)| import|:)", r"\1Error", text)
        text = text.replace("from django.tasks", "from django_tasks").replace(
            '"django.tasks', '"django_tasks'
        )
        text = text.replace("does not support async Tasks.", "does not support async tasks.")
    if sys.version_info < (3, 12):
        text = text.replace(
            "without an implementation for abstract method 'enqueue'", "with abstract method enqueue"
        )
    return text


def run(source: str) -> int:
    """Run what is in the package ``tasks``."""
    settings.configure(
        SECRET_KEY="of tests",
        USE_TZ=True,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["taskforge.contrib.django", *([] if django.VERSION >= (6, 0) else ["django_tasks"])],
    )
    django.setup()
    from django.test.runner import DiscoverRunner

    class Runner(DiscoverRunner):  # type: ignore[misc] # Django has no types
        def build_suite(self, *arguments: Any, **options: Any) -> Any:
            suite = super().build_suite(*arguments, **options)
            kept = [test for test in suite if reason_of(test) is None]
            for test in suite:
                if reason_of(test) is not None:
                    print(f"not run: {test.id()}: {reason_of(test)}")
            return self.test_suite(kept)

        def suite_result(self, suite: Any, result: Any, **options: Any) -> int:
            failed = len(result.failures) + len(result.errors)
            print(f"{source} with Django {django.get_version()}")
            print(f"{result.testsRun - failed} passed, {failed} failed")
            return failed

    from tests.contrib import django_adapters

    try:
        return 1 if Runner(verbosity=1, interactive=False).run_tests(["tasks"]) else 0
    finally:
        django_adapters.close()


def reason_of(test: unittest.TestCase) -> str | None:
    """Why a test is not run; None for most."""
    method = test.id().rpartition(".")[2]
    return EXPECTED.get(f"{type(test).__name__}.{method}") or EXPECTED.get(method)


if __name__ == "__main__":
    sys.exit(main())
