"""What the commands about tenants, people and keys share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import datetime

OfOrganization = Annotated[
    str | None,
    typer.Option(
        "--organization", "-o", metavar="NAME", help="The organization that is meant, else `default`."
    ),
]
OnlyProject = Annotated[
    str | None, typer.Option("--only-project", metavar="NAME", help="In this project only, else in all.")
]
PasswordFromInput = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
Generate = Annotated[bool, typer.Option("--generate", help="Make a password, and print it once.")]


def refuse_organization(name: str | None) -> None:
    """With a server nobody names the organization. Raises InvalidInput."""
    from taskforge.domain.errors import InvalidInput

    if name is not None:
        raise InvalidInput(
            "with a server the key says which organization is meant",
            field="--organization",
            hint="leave it out",
        )


def within(organization: str | None) -> str:
    """The words that say in which organization, where one was named."""
    return "" if organization is None else f" in {organization}"


def password(from_input: bool, generate: bool) -> tuple[str, bool]:
    """A password, and whether it was made here: from standard input, typed twice without being shown, or generated."""
    import secrets
    import sys

    if generate:
        return secrets.token_urlsafe(18), True
    if from_input or not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n"), False
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return typed, False


def moment(text: str | None, option: str) -> datetime | None:
    """A time with its zone. Raises InvalidInput."""
    from datetime import datetime

    from taskforge.domain.errors import InvalidInput

    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InvalidInput(f"{text!r} is no time with a zone", field=option, hint="like 2027-01-31T09:00:00Z")
    return found
