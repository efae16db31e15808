"""Alerts, rules, receivers and deliveries as text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.cli.tables import print_fields, print_table
from taskforge.cli.text import ago, moment, one_line
from taskforge.domain.ids import short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Document = Mapping[str, Any]


def print_alerts(found: Sequence[Document]) -> None:
    """A line for each alert."""
    now = datetime.now(UTC)
    print_table(
        ("STATUS", "RULE", "SUBJECT", "VALUE", "THRESHOLD", "SINCE", "TOLD"),
        [
            (
                alert["status"],
                one_line(alert["rule"]),
                one_line(alert["subject"]),
                f"{alert['value']:g}",
                f"{alert['threshold']:g}",
                ago(_time(alert["since"]), now),
                "yes" if alert["told"] else "no",
            )
            for alert in found
        ],
        empty="nothing is wrong",
        right=("VALUE", "THRESHOLD"),
    )


def print_events(found: Sequence[Document]) -> None:
    """A line for each thing that has happened."""
    print_table(
        ("WHEN", "CHANGE", "SUMMARY", "TOLD"),
        [
            (
                moment(_time(event["happened_at"])),
                event["change"],
                one_line(event["summary"], 120),
                "yes" if event["told"] else "no",
            )
            for event in found
        ],
        empty="nothing has happened",
    )


def print_rules(found: Sequence[Document], receivers: Sequence[Document]) -> None:
    """A line for each rule."""
    names = {receiver["id"]: receiver["name"] for receiver in receivers}
    print_table(
        ("NAME", "KIND", "THRESHOLD", "QUEUE", "FOR", "RECEIVERS", "STATE"),
        [
            (
                one_line(rule["name"]),
                rule["kind"],
                f"{rule['threshold']:g}",
                rule["queue"] or "",
                f"{rule['for_seconds']:g} s",
                one_line(", ".join(names.get(one, one) for one in rule["receivers"])),
                _state(rule),
            )
            for rule in found
        ],
        empty="there are no alert rules",
        right=("THRESHOLD",),
    )


def print_rule(rule: Document) -> None:
    """One rule, whole."""
    print_fields(
        [
            ("id", rule["id"]),
            ("name", rule["name"]),
            ("kind", rule["kind"]),
            ("threshold", f"{rule['threshold']:g}"),
            ("queue", rule["queue"] or ""),
            ("window", "" if rule["window_seconds"] is None else f"{rule['window_seconds']:g} s"),
            ("for", f"{rule['for_seconds']:g} s"),
            ("recovery", f"{rule['recovery_seconds']:g} s"),
            ("receivers", ", ".join(rule["receivers"])),
            ("description", rule["description"] or ""),
            ("state", _state(rule)),
            ("looked at", moment(_time(rule["evaluated_at"]))),
        ]
    )


def print_silences(found: Sequence[Document], rules: Sequence[Document]) -> None:
    """A line for each silence."""
    names = {rule["id"]: rule["name"] for rule in rules}
    print_table(
        ("ID", "RULE", "SUBJECT", "FROM", "UNTIL", "BY", "REASON"),
        [
            (
                short(UUID(silence["id"])),
                one_line(names.get(silence["rule_id"], "all")),
                one_line(silence["subject"] or "all"),
                moment(_time(silence["starts_at"])),
                moment(_time(silence["ends_at"])),
                one_line(silence["created_by"]),
                one_line(silence["reason"]),
            )
            for silence in found
        ],
        empty="nothing is silent",
    )


def print_receivers(found: Sequence[Document]) -> None:
    """A line for each receiver."""
    print_table(
        ("NAME", "KIND", "ADDRESS", "STATE"),
        [
            (
                one_line(receiver["name"]),
                receiver["kind"],
                one_line(receiver["address"], 80),
                "enabled" if receiver["enabled"] else "disabled",
            )
            for receiver in found
        ],
        empty="there are no receivers",
    )


def print_deliveries(found: Sequence[Document]) -> None:
    """A line for each delivery."""
    now = datetime.now(UTC)
    print_table(
        ("ID", "STATUS", "RECEIVER", "SUMMARY", "TRIES", "LAST ANSWER", "NEXT TRY", "MADE"),
        [
            (
                short(UUID(delivery["id"])),
                delivery["status"],
                one_line(delivery["receiver"]),
                one_line(delivery["summary"], 80),
                delivery["tries"],
                one_line(delivery["last_answer"]),
                ago(_time(delivery["next_try_at"]), now),
                ago(_time(delivery["created_at"]), now),
            )
            for delivery in found
        ],
        empty="nothing was told",
        right=("TRIES",),
    )


def _state(rule: Document) -> str:
    if not rule["enabled"]:
        return "disabled"
    return "enabled" if rule["fault"] is None else one_line(f"fault: {rule['fault']}", 80)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
