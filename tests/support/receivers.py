"""Receivers on loopback: a web server that answers as it is told, and a mail server."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import h11

Answering: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Received:
    """A request that came."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """A web server. ``answer`` is the status of the next answers; requests are kept in the order in which they came."""

    url: str = ""
    status: int = 204
    headers: list[tuple[str, str]] = field(default_factory=list)
    requests: list[Received] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        connection = h11.Connection(h11.SERVER)
        path, headers, body = "", {}, b""
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request):
                path = event.target.decode()
                headers = {name.decode().lower(): value.decode() for name, value in event.headers}
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                break
        self.requests.append(Received(path, headers, body))
        answer = [*self.headers, ("content-length", "0"), ("connection", "close")]
        writer.write(connection.send(h11.Response(status_code=self.status, headers=answer)) or b"")
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        await writer.drain()
        self.came.set()


@asynccontextmanager
async def listening(answer: Answering) -> AsyncIterator[int]:
    """A server on a free port of loopback; ends with all its connections."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await answer(reader, writer)
        except (ConnectionError, h11.RemoteProtocolError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def receiver(status: int = 204, **headers: str) -> AsyncIterator[Receiver]:
    """A web server that takes what it is given, or answers with another status."""
    found = Receiver(status=status, headers=[(n.replace("_", "-"), v) for n, v in headers.items()])
    async with listening(found.serve) as port:
        found.url = f"http://127.0.0.1:{port}/hook"
        yield found


@dataclass
class MailServer:
    """A mail server that keeps what it is given: (sender, recipients, text) of each message."""

    url: str = ""
    password: str | None = None
    messages: list[tuple[str, list[str], str]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""

        def say(line: str) -> None:
            writer.write(line.encode() + b"\r\n")

        sender, recipients = "", list[str]()
        say("220 here ESMTP")
        while line := (await reader.readline()).decode().strip():
            verb = line.upper()
            if verb.startswith("EHLO"):
                say("250-here" if self.password else "250 here")
                if self.password:
                    say("250 AUTH PLAIN")
            elif verb.startswith("AUTH PLAIN"):
                said = base64.b64decode(line.split()[-1]).decode().split("\0")
                say("235 welcome" if said[-1] == self.password else "535 no")
            elif verb.startswith("MAIL FROM:"):
                sender, recipients = line[10:].split(">")[0].strip(" <"), []
                say("250 ok")
            elif verb.startswith("RCPT TO:"):
                recipients.append(line[8:].strip(" <>"))
                say("250 ok")
            elif verb == "DATA":
                say("354 go on")
                text = (await reader.readuntil(b"\r\n.\r\n")).decode()
                self.messages.append((sender, recipients, text))
                say("250 taken")
            elif verb == "QUIT":
                say("221 bye")
                await writer.drain()
                return
            else:
                say("502 what")
            await writer.drain()


@asynccontextmanager
async def mail_server(password: str | None = None) -> AsyncIterator[MailServer]:
    """A mail server on loopback, without TLS; with a password where one is given."""
    found = MailServer(password=password)
    async with listening(found.serve) as port:
        user = "" if password is None else f"taskforge:{password}@"
        found.url = f"smtp+plain://{user}127.0.0.1:{port}"
        yield found
