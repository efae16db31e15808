"""``taskforge alerts``: beside a database and through a server alike."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from taskforge.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    import pytest

    from tests.cli.both import Both
    from tests.cli.conftest import CommandLine


def test_rules_receivers_and_silences(both: Both) -> None:
    both.ok("queues", "create", "mail")
    assert "ops@example.com" in both.ok(
        "alerts", "receivers", "create", "desk", "email", "--to", "ops@example.com"
    )
    both.alike("alerts", "receivers", "list")
    words = ("alerts", "rules", "create", "late", "oldest_waiting", "--threshold", "60", "--queue", "mail",
             "--for", "2m", "--to", "desk", "--json")  # fmt: skip
    made = json.loads(both.ok(*words))
    assert (made["threshold"], made["for_seconds"], made["queue"]) == (60.0, 120.0, "mail")
    both.ok("alerts", "rules", "set", "late", "--threshold", "90", "--disabled")
    shown = both.alike("alerts", "rules", "list")
    assert "late" in shown
    assert "disabled" in shown
    silence = json.loads(both.ok("alerts", "silence", "2h", "--rule", "late", "--reason", "known", "--json"))
    assert "known" in both.alike("alerts", "silences")
    both.ok("alerts", "unsilence", silence["id"][-8:])
    both.alike("alerts", "silences")
    both.alike("alerts", "list")
    both.alike("alerts", "events", "--rule", "late")
    delivery = json.loads(both.ok("alerts", "receivers", "test", "desk", "--json"))
    found = json.loads(both.ok("alerts", "deliveries", "--receiver", "desk", "--json"))["deliveries"]
    assert [one["id"] for one in found] == [delivery["id"]]
    both.alike("alerts", "resend", "0000", code=ExitCode.NOT_FOUND)
    both.alike("alerts", "rules", "set", "nothing", "--disabled", code=ExitCode.NOT_FOUND)
    both.alike("alerts", "receivers", "rotate", "desk", code=ExitCode.USAGE)
    both.ok("alerts", "rules", "delete", "late")
    both.ok("alerts", "receivers", "delete", "desk")
    assert json.loads(both.alike("alerts", "receivers", "list", "--json")) == {"receivers": []}


def test_a_secret_is_shown_once(shop: CommandLine, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKFORGE_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("TASKFORGE_OUTBOUND_NETWORKS", "127.0.0.0/8")
    url = "http://127.0.0.1:9/hook?token=hidden"
    made = shop("alerts", "receivers", "create", "ops", "webhook", "--url", url)
    assert made.code == 0, made
    secret = made.out.splitlines()[-1]
    assert secret.startswith("whsec_")
    new = shop("alerts", "receivers", "rotate", "ops").out.strip()
    assert new.startswith("whsec_")
    assert new != secret
    listed = shop("alerts", "receivers", "list")
    for hidden in (secret, new, "hidden"):
        assert hidden not in listed.out
    monkeypatch.setenv("TASKFORGE_OUTBOUND_NETWORKS", "")
    refused = shop("alerts", "receivers", "create", "other", "webhook", "--url", url)
    assert refused.code == ExitCode.USAGE
    assert "outbound_networks" in refused.err
