"""An API server of a cluster on loopback: the scale subresource of Deployments, and patches of pods."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h11

from tests.support.receivers import listening

CONFIG = """apiVersion: v1
kind: Config
current-context: test
clusters: [{{name: test, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: test, user: {{token: secret-token}}}}]
contexts: [{{name: test, context: {{cluster: test, user: test}}}}]
"""


@dataclass
class Cluster:
    """Deployments with their replicas, and pods with their annotations, of the namespace ``jobs``."""

    config: Path
    replicas: dict[str, int] = field(default_factory=dict)
    pods: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    status: int = 200
    cap: int = 1000
    is_silent: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        connection = h11.Connection(h11.SERVER)
        method, path, headers, body = "", "", {}, b""
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request):
                method, path = event.method.decode(), event.target.decode().partition("?")[0]
                headers = {name.decode().lower(): value.decode() for name, value in event.headers}
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                break
        if self.is_silent:
            await asyncio.Event().wait()
        self.requests.append(f"{method} {path}")
        status, said = self._answer(method, path, headers, body)
        content = json.dumps(said).encode()
        answer = [
            ("content-type", "application/json"),
            ("content-length", str(len(content))),
            ("connection", "close"),
        ]
        for part in (
            h11.Response(status_code=status, headers=answer),
            h11.Data(data=content),
            h11.EndOfMessage(),
        ):
            writer.write(connection.send(part) or b"")
        await writer.drain()

    def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        if headers.get("authorization") != "Bearer secret-token":
            return 401, _status("Unauthorized")
        if self.status != 200:
            return self.status, _status("the cluster is upset")
        match path.strip("/").split("/"):
            case ["apis", "apps", "v1", "namespaces", "jobs", "deployments", name, "scale"]:
                if name not in self.replicas:
                    return 404, _status(f'deployments.apps "{name}" not found')
                if method == "PATCH":
                    assert headers["content-type"] == "application/merge-patch+json"
                    self.replicas[name] = min(json.loads(body)["spec"]["replicas"], self.cap)
                return 200, _scale(name, self.replicas[name])
            case ["api", "v1", "namespaces", "jobs", "pods", name]:
                if name not in self.pods:
                    return 404, _status(f'pods "{name}" not found')
                self.pods[name] |= json.loads(body)["metadata"]["annotations"]
                return 200, {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": {"name": name},
                    "spec": {"containers": []},
                }
        return 404, _status("no such path")


def _scale(name: str, replicas: int) -> Any:
    """As the API server leaves out what is zero."""
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": name, "namespace": "jobs"},
        "spec": {"replicas": replicas} if replicas else {},
        "status": {"replicas": replicas, "selector": "app=worker"},
    }


def _status(message: str) -> Any:
    return {"apiVersion": "v1", "kind": "Status", "status": "Failure", "message": message}


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[Cluster]:
    """A cluster, and a kubeconfig for it in the folder."""
    found = Cluster(folder / "kubeconfig")
    async with listening(found.serve) as port:
        found.config.write_text(CONFIG.format(port=port))
        yield found
