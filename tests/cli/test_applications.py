"""Finding the application: by name, by file, by setting, by itself."""

import sys
from pathlib import Path

import pytest

from taskforge.cli.applications import find_application, places
from taskforge.domain.errors import Conflict, InvalidInput, NotFound
from taskforge.settings import load_settings

ONE = "from taskforge import TaskForge\napp = TaskForge()\n"


def found(reference: str | None = None) -> object:
    return find_application(reference, load_settings(environment={}))


def test_by_itself_the_first_file_with_an_application(folder: Path) -> None:
    (folder / "tasks.py").write_text("x = 1\n")
    (folder / "app.py").write_text(ONE)
    (folder / "main.py").write_text(ONE)
    assert found() is sys.modules["app"].app


def test_by_itself_a_module_that_imports_its_application(folder: Path) -> None:
    (folder / "app.py").write_text(ONE)
    (folder / "tasks.py").write_text("from app import app\nsame = app\n")
    assert found() is sys.modules["app"].app
    assert "tasks" in sys.modules


def test_nothing_there(folder: Path) -> None:
    with pytest.raises(NotFound, match=r"has no tasks\.py, app\.py or main\.py") as error:
        found()
    assert str(folder) in error.value.message
    (folder / "tasks.py").write_text("x = 1\n")
    with pytest.raises(NotFound, match=r"no TaskForge\(\) in .*tasks\.py"):
        found()


def test_by_the_setting_from_a_folder_below(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "taskforge.toml").write_text('app = "shop.jobs:application"\n')
    (folder / "shop").mkdir()
    (folder / "shop/jobs.py").write_text(ONE.replace("app =", "application ="))
    (folder / "below").mkdir()
    monkeypatch.chdir(folder / "below")
    assert found() is sys.modules["shop.jobs"].application


@pytest.mark.parametrize(
    "reference", ["shop.jobs:app", "shop.jobs", "shop/jobs.py", "shop/jobs.py:app", "./shop/jobs.py"]
)
def test_by_name_or_file_the_module_is_the_same(folder: Path, reference: str) -> None:
    (folder / "shop").mkdir()
    (folder / "shop/__init__.py").write_text("")
    (folder / "shop/jobs.py").write_text(ONE)
    assert found(reference) is sys.modules["shop.jobs"].app


def test_a_file_elsewhere_is_imported_from_its_folder(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep/far.py").write_text(ONE)
    assert found("deep/far.py") is sys.modules["far"].app


@pytest.mark.parametrize(
    ("reference", "error", "said"),
    [
        ("nosuch:app", NotFound, "no module 'nosuch'"),
        ("nosuch.py", NotFound, r"no file .*nosuch\.py"),
        ("two", Conflict, "several applications: first, second"),
        ("two:third", NotFound, "no 'third'"),
        ("two:number", InvalidInput, "is a int"),
        ("none", NotFound, r"no TaskForge\(\)"),
        ("broken", InvalidInput, r"ZeroDivisionError: .*broken\.py, line 2"),
        ("syntax", InvalidInput, r"SyntaxError: .*syntax\.py, line 1"),
        ("needs", InvalidInput, "No module named 'missing_library'"),
        ("quits", InvalidInput, "SystemExit: 3"),
        (":app", InvalidInput, "names no application"),
        ("two:", InvalidInput, "names no application"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, reference: str, error: type[Exception], said: str) -> None:
    (folder / "two.py").write_text(
        "from taskforge import TaskForge\nfirst = TaskForge()\nsecond = TaskForge()\nnumber = 1\n"
    )
    (folder / "none.py").write_text("")
    (folder / "broken.py").write_text("x = 1\nx / 0\n")
    (folder / "syntax.py").write_text("x = (\n")
    (folder / "needs.py").write_text("import missing_library\n")
    (folder / "quits.py").write_text("raise SystemExit(3)\n")
    with pytest.raises(error, match=said):
        found(reference)


def test_a_file_whose_name_is_taken(folder: Path) -> None:
    (folder / "json.py").write_text(ONE)
    with pytest.raises(Conflict, match="another module is called 'json'"):
        found("json.py")


def test_places_imports_nothing(folder: Path) -> None:
    (folder / "tasks.py").write_text("raise RuntimeError")
    [place] = places(None, load_settings(environment={}))
    assert (place.module, place.folder, str(place)) == ("tasks", folder, str(folder / "tasks.py"))


@pytest.mark.parametrize(
    ("option", "said", "hint"),
    [
        ("retry_delay=3", "there is no option 'retry_delay'", "options: "),
        ("max_atempts=3", "there is no option 'max_atempts'", "max_attempts?"),
        ("cron='61 * * * *'", "the cron expression '61 * * * *' has '61' as its minute", "0-59"),
    ],
)
def test_a_decorator_that_is_wrong_is_found(folder: Path, option: str, said: str, hint: str) -> None:
    text = f"from taskforge import TaskForge\napp = TaskForge()\n\n\n@app.task({option})\ndef f(): ...\n"
    (folder / "wrongly.py").write_text(text)
    with pytest.raises(InvalidInput) as caught:
        find_application("wrongly.py", load_settings())
    assert caught.value.message == f"{said} ({folder / 'wrongly.py'}, line 5)"
    assert hint in (caught.value.hint or "")
