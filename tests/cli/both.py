"""A command line beside a database, and one through a server of the same."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from taskforge.cli.exit_codes import ExitCode
from tests.support.remote import KEY

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine, Result


def _timeless(result: Result) -> tuple[int, str, str]:
    """What was printed, but for how long ago something was, and so for widths: one of the two was asked later."""
    return (
        result.code,
        re.sub(r" +", " ", re.sub(r"\b\d+(\.\d+)? ?s ago", "just now", result.out)),
        result.err,
    )


class Both:
    """A command line beside a database, and the same through its server."""

    def __init__(self, command: CommandLine, server: str) -> None:
        self.command = command
        self.server = server

    def afar(self, *words: object) -> tuple[object, ...]:
        return ("--server", self.server, "--key", KEY, *words)

    def alike(self, *words: object, code: ExitCode = ExitCode.OK) -> str:
        """Do it here and there; what both print."""
        here, there = self._run(*words), self._run(*self.afar(*words))
        assert _timeless(there) == _timeless(here), words
        assert here.code == code, here
        return here.out

    def pair(self, *words: object) -> tuple[str, str]:
        """Do it here and there; what each prints."""
        return self._run(*words).out, self._run(*self.afar(*words)).out

    def ok(self, *words: object) -> str:
        """Do it through the server; what it prints."""
        done = self._run(*self.afar(*words))
        assert done.code == 0, f"{words} ended with {done}"
        return done.out

    def _run(self, *words: object) -> Result:
        """As a process of its own would: it imports the application anew."""
        sys.modules.pop("tasks", None)
        return self.command(*words)
