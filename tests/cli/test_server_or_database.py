"""Which commands take a server: the others say why not, and none of them goes past one that is away to a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import typer

from taskforge.cli.commands import BESIDE_A_DATABASE
from taskforge.cli.exit_codes import ExitCode
from taskforge.cli.main import application
from taskforge.client.transport import NotSent
from tests.support.remote import KEY, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import CommandLine


@pytest.mark.parametrize("name", BESIDE_A_DATABASE)
def test_a_command_that_takes_no_server_says_why(bare: CommandLine, name: str) -> None:
    said = bare.refused(ExitCode.USAGE, "--server", "http://127.0.0.1:9", "--key", KEY, *name.split())
    assert BESIDE_A_DATABASE[name] in " ".join(said.split())


OF_NEITHER = {"config", "schedules preview"}
WITH_TESTS_OF_ITS_OWN = {"worker"}


def leaves(command: Any, name: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The names of all commands."""
    if not hasattr(command, "list_commands"):
        yield name
        return
    for below in command.list_commands(None):
        yield from leaves(command.get_command(None, below), (*name, below))


ALL = {" ".join(name): name for name in leaves(typer.main.get_command(application))}


def words_for(name: tuple[str, ...]) -> Iterator[str]:
    """Something for each argument that a command has to be given."""
    command: Any = typer.main.get_command(application)
    for part in name:
        command = command.get_command(None, part)
    for parameter in command.params:
        option = next((word for word in parameter.opts if word.startswith("--")), None)
        if option in ("--yes", "--generate"):
            yield option
        elif parameter.required or (parameter.param_type_name == "argument" and parameter.nargs == 1):
            yield from () if option is None else (option,)
            yield PLAUSIBLE.get(parameter.name, "2026-01-01T00:00:00Z" if option else "00000000")


MORE = {
    "jobs cancel": ("00000000",),
    "jobs retry": ("00000000",),
    "jobs delete": ("00000000",),
    "jobs move": ("--queue", "q"),
    "queues set": ("priority=1",),
    "pauses create": ("--tag", "a"),
    "pauses remove": ("--tag", "a"),
    "schedules edit": ("priority=1",),
    "scaling simulate": ("--queue", "q"),
}
"""What else these have to be given."""
PLAUSIBLE = {"weight": "3", "values": "name=x", "permissions": "job:read", "duration": "1h", "kind": "email"}


async def away(*_: object, **__: object) -> None:
    """In place of a request: cheaper than a hundred connections that are refused."""
    raise NotSent("the server is away")


def test_the_list_of_commands_that_take_no_server_is_complete(
    bare: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(BESIDE_A_DATABASE) | OF_NEITHER | WITH_TESTS_OF_ITS_OWN <= set(ALL)
    monkeypatch.setattr("taskforge.client.transport.FIRST_PAUSE", 0.0)
    monkeypatch.setattr("taskforge.client.transport.LONGEST_PAUSE", 0.0)
    monkeypatch.setattr("taskforge.client.transport.Transport.send", away)
    monkeypatch.setenv("TASKFORGE_DATABASE_URL", f"sqlite:///{bare.folder}/opened.db")
    server = ("--server", f"http://127.0.0.1:{free_port()}", "--key", KEY)
    ended = {
        name: bare(*server, *words, *words_for(words), *MORE.get(name, ())).code
        for name, words in ALL.items()
        if name not in set(BESIDE_A_DATABASE) | OF_NEITHER | WITH_TESTS_OF_ITS_OWN
    }
    assert not (bare.folder / "opened.db").exists()
    assert set(ended.values()) == {ExitCode.UNAVAILABLE}, {n: c for n, c in ended.items() if c != 5}


def test_a_server_that_is_away_is_told_with_its_address(bare: CommandLine) -> None:
    server = f"http://127.0.0.1:{free_port()}"
    assert server in bare.refused(ExitCode.UNAVAILABLE, "--server", server, "--key", KEY, "queues", "list")
